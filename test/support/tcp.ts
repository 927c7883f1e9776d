import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const established = '01'

/** The TCP connections of this process to that port on loopback that are established. */
export function connectionsTo(port: number): number {
  const remotePort = port.toString(16).toUpperCase().padStart(4, '0')
  const own = ownSockets()
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1)
  return lines.filter((line) => {
    const fields = line.trim().split(/\s+/)
    return fields[2]!.endsWith(`:${remotePort}`) && fields[3] === established && own.has(fields[9]!)
  }).length
}

/** The inodes of the sockets of this process. */
function ownSockets(): Set<string> {
  const links = readdirSync('/proc/self/fd').map((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`)
    } catch {
      // It was closed meanwhile, as that of the directory itself.
      return ''
    }
  })
  return new Set(links.map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''))
}
