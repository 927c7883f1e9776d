import { readFile } from 'node:fs/promises'

/** Ports that some program of this host listens on, by TCP, on whatever address. Source: proc(5), net/tcp. */
export async function portsListenedOn(): Promise<Set<number>> {
  const tables = await Promise.all(
    // A kernel without IPv6 has no second one.
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/self/net/${name}`, 'utf8').catch(() => '')),
  )
  return new Set(tables.flatMap(listeningIn))
}

/** Columns: number, local address, remote address, state; addresses and ports in hexadecimal, 0A is LISTEN. */
export function listeningIn(table: string): number[] {
  return [...table.matchAll(/^ *[0-9]+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} 0A /gm)].map(([, port]) =>
    parseInt(port!, 16),
  )
}
