import { readFile } from 'node:fs/promises'

/**
 * Ports that some program of this host listens on, by TCP, on whatever address, with that program's uid; of several one that is
 * not root's. Source: proc(5), net/tcp.
 */
export async function portsListenedOn(): Promise<Map<number, number>> {
  const tables = await Promise.all(
    // A kernel without IPv6 has no second one.
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8').catch(() => '')),
  )
  const found = tables.flatMap(listeningIn).sort((a, b) => a.uid - b.uid)
  return new Map(found.map(({ port, uid }) => [port, uid]))
}

/**
 * Columns: number, local address, remote address, state, queues, timer, retransmissions, uid; addresses and ports in hexadecimal,
 * 0A is LISTEN.
 */
export function listeningIn(table: string): { port: number; uid: number }[] {
  const line =
    /^ *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A [0-9A-F]+:[0-9A-F]+ [0-9A-F]+:[0-9A-F]+ [0-9A-F]+ +([0-9]+) /gm
  return [...table.matchAll(line)].map(([, port, uid]) => ({ port: parseInt(port!, 16), uid: Number(uid) }))
}
