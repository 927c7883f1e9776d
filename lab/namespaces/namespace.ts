import { spawn } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { once } from 'node:events'
import { initOf, type Init } from '../common/init.js'
import { until } from '../common/until.js'
import { must } from '../common/run.js'
import { hostDoesNotStart } from '../common/messages.js'

const checkout = resolve(import.meta.dirname, '../..')

/** Starts the namespaces of a host with `init.sh` as their pid 1. They stay when this process ends. */
export async function powerOn(name: string, dir: string): Promise<Init> {
  mkdirSync(join(dir, 'root'), { recursive: true })
  rmSync(join(dir, 'init'), { force: true })
  const flags = ['--mount', '--uts', '--ipc', '--net', '--pid', '--fork']
  const argv = ['sh', join(import.meta.dirname, 'init.sh'), name, dir, checkout, ...foreignRuntime()]
  const child = spawn('unshare', [...flags, ...argv], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'close').then(() => 'ended')
  const up = until({ what: `${name} is up` }, () => Promise.resolve(said.includes('up\n')))
  await Promise.race([up, ended])
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
  const init = initOf(dir)
  if (!init || !said.includes('up\n')) throw new Error(hostDoesNotStart(name, said.trim()))
  return init
}

/** The arguments that run a command in a host. */
export function inside(init: Init, argv: readonly string[]): string[] {
  const enter = ['nsenter', '--target', String(init.pid), '--mount', '--uts', '--ipc', '--net', '--pid']
  return [...enter, '--', ...argv]
}

/** The arguments that run a command only in the network of a host. */
export function insideNet(pid: number, argv: readonly string[]): string[] {
  return ['nsenter', '--target', String(pid), '--net', '--', ...argv]
}

/** The file system root of a host, seen from the machine. */
export const rootOf = (init: Init) => `/proc/${init.pid}/root`

/** The folder of Node, if it is not below /usr: the hosts must see it too. */
function foreignRuntime(): string[] {
  const folder = dirname(dirname(process.execPath))
  return folder === '/usr' || folder.startsWith(`/usr${sep}`) ? [] : [folder]
}

export const ip = (pid: number, ...args: string[]) => must(insideNet(pid, ['ip', ...args]))
