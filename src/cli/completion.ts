import { openClient } from './client.js'

const flag = '--get-yargs-completions'

/**
 * Names of buffers, hosts and devices for a command line that a shell asks to complete; undefined for commands and flags, which
 * yargs knows itself. Must be called before yargs runs: yargs does not wait for names, and runs the command instead.
 */
export async function namesFor(argv: readonly string[], socket: string): Promise<string[] | undefined> {
  if (argv[0] !== flag) return undefined
  // The shell passes the name of the program first.
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
