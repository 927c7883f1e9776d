import { users, type Site } from './hosts.js'
import type { ExecOptions } from './interface.js'
import { environmentOf } from './services.js'

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A command with the environment of a user's login, whatever the environment of the caller is. */
export function commandAs(
  site: Site,
  argv: readonly string[],
  { user = 'root', env, cwd }: Pick<ExecOptions, 'user' | 'env' | 'cwd'> = {},
): string[] {
  const home = homeOf(user)
  const variables = {
    PATH: path,
    HOME: home,
    USER: user,
    LOGNAME: user,
    LANG: 'C.UTF-8',
    ...environmentOf(site),
    ...env,
  }
  const identity = user === 'root' ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--']
  const words = Object.entries(variables).map(([key, value]) => `${key}=${value}`)
  return [...identity, 'env', '-i', `--chdir=${cwd ?? home}`, ...words, ...argv]
}

/** The same for root at a terminal. */
export function atTerminal(site: Site, argv: readonly string[]): string[] {
  return commandAs(site, argv, { env: { TERM: process.env['TERM'] ?? 'dumb' } })
}

function homeOf(user: string): string {
  if (user === 'root') return '/root'
  return users.some(({ name }) => name === user) ? `/home/${user}` : '/'
}
