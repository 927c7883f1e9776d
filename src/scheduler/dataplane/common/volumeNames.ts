import type { Cluster } from '../../../model/cluster.js'
import { volumesOf } from '../../../model/volumes.js'

/**
 * A volume name that no buffer has or had and is not rid of yet: the buffer's own, or with an id behind it. GlusterFS takes
 * no dot in the name of a volume.
 */
export function freeVolumeName(cluster: Cluster, buffer: string, id: number): string {
  const name = buffer.replaceAll('.', '-')
  const used = cluster.index?.volumeNames ?? new Set([...cluster.buffers.values()].flatMap(volumesOf))
  for (let next = id, candidate = name; ; candidate = `${name}-${next++}`) if (!used.has(candidate)) return candidate
}
