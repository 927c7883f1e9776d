import { hostKey, type Cluster } from '../../../model/cluster.js'
import type { BufferDocument, PlacedBrick } from '../../../model/documents/buffer.js'
import { usableAddresses } from '../../../model/fields.js'
import { noPortLeft, portMoved, servesNone } from './messages.js'

/*
 * Where clients find a brick: an address of its host, and a port of that host's range which no other brick has. It is written down
 * with the brick, and stays until the brick is gone. A port that something else listens on is reported by the host, and another one
 * is taken for the brick as long as nobody can have the buffer mounted.
 */

/** The bricks with their places, or why a host has none for them. */
export function served(cluster: Cluster, bricks: PlacedBrick[]): { bricks: PlacedBrick[] } | { refused: string } {
  const ports = new FreePorts(cluster)
  const placed: PlacedBrick[] = []
  for (const brick of bricks) {
    const known = cluster.hosts.get(brick.host)
    if (!known?.brickPorts) return { refused: servesNone(brick.host) }
    const port = ports.take(brick.host)
    if (port === undefined) return { refused: noPortLeft(brick.host, known.brickPorts) }
    placed.push({ ...brick, at: { address: usableAddresses(brick.host, known.addresses)[0] ?? brick.host, port } })
  }
  return { bricks: placed }
}

/** A buffer that is not built yet with other ports where its hosts report that one is taken; undefined when none is. */
export function mended(
  cluster: Cluster,
  buffer: BufferDocument,
): { buffer: BufferDocument; event: string } | undefined {
  if (buffer.builtAt !== undefined) return undefined
  let ports: FreePorts | undefined
  const moved: string[] = []
  const bricks = buffer.bricks.map((brick) => {
    const { host, at } = brick
    const reported = cluster.observed.volume.get(hostKey(host, buffer.volume))
    // guard: port-moved
    const isTaken = reported?.bufferId === buffer.id && at !== undefined && reported.takenPorts?.includes(at.port)
    const port = isTaken ? (ports ??= new FreePorts(cluster)).take(host, at.port) : undefined
    if (!isTaken || port === undefined) return brick
    moved.push(portMoved(brick, at.port, port))
    return { ...brick, at: { ...at, port } }
  })
  return moved.length === 0 ? undefined : { buffer: { ...buffer, bricks }, event: moved.join(', ') }
}

/** Ports that no brick has, and nothing else listens on as far as hosts have reported. */
class FreePorts {
  private readonly taken = new Map<string, Set<number>>()

  constructor(private readonly cluster: Cluster) {
    // guard: port-taken
    for (const { bricks, released } of cluster.buffers.values())
      for (const { host, at } of [...bricks, ...released]) if (at) this.takenOn(host).add(at.port)
    for (const [key, { takenPorts = [] }] of cluster.observed.volume)
      for (const port of takenPorts) this.takenOn(key.split('/')[0]!).add(port)
  }

  /**
   * The lowest of that host, which is taken then; undefined when it has none left. `tried`: the next one above it, and the
   * lowest after the last, for a host reports only the port that the brick has just now.
   */
  take(host: string, tried?: number): number | undefined {
    const range = this.cluster.hosts.get(host)?.brickPorts
    if (!range) return undefined
    const taken = this.takenOn(host)
    const ports = Array.from({ length: range.last - range.first + 1 }, (_, index) => range.first + index)
    const isFree = (port: number) => !taken.has(port)
    const above = tried === undefined ? undefined : ports.find((port) => port > tried && isFree(port))
    const port = above ?? ports.find(isFree)
    if (port !== undefined) taken.add(port)
    return port
  }

  private takenOn(host: string): Set<number> {
    let taken = this.taken.get(host)
    if (!taken) this.taken.set(host, (taken = new Set()))
    return taken
  }
}
