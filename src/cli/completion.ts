import { openClient } from './client.js'

const flag = '--get-yargs-completions'

/**
 * Names of buffers, hosts and devices for a command line that a shell asks to complete; undefined where yargs knows the
 * words itself: commands and flags. Asked before yargs runs, which would take a command for given while it waits for us.
 */
export async function namesFor(argv: readonly string[], socket: string): Promise<string[] | undefined> {
  if (argv[0] !== flag) return undefined
  // The program's own name comes first, as the shell has it.
  const [command, ...rest] = argv.slice(2)
  if (rest.at(-1)?.startsWith('-')) return undefined
  const client = openClient(socket)
  try {
    if (['show', 'explain', 'destroy', 'watch'].includes(command ?? '') && rest.length > 0)
      return (await client.call('listBuffers')).map(({ name }) => name)
    if (['cordon', 'uncordon', 'adopt'].includes(command ?? '') && rest.length > 0) {
      const devices = await client.call('listDevices')
      const hosts = new Set(devices.map(({ host }) => host))
      return [...hosts, ...devices.map(({ host, device }) => `${host}/${device}`)]
    }
  } catch {
    // Completion stays silent when there is no scheduler to ask.
    return []
  }
  return undefined
}
