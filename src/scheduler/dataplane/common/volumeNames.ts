import type { Cluster } from '../../../model/cluster.js'

/**
 * A volume name that no buffer has or had and is not rid of yet: the buffer's own, or with an id behind it. GlusterFS takes
 * no dot in the name of a volume.
 */
export function freeVolumeName(cluster: Cluster, buffer: string, id: number): string {
  const name = buffer.replaceAll('.', '-')
  const used = new Set<string>()
  for (const { volume, formerVolumes } of cluster.buffers.values()) {
    used.add(volume)
    for (const former of formerVolumes) used.add(former.volume)
  }
  for (let next = id, candidate = name; ; candidate = `${name}-${next++}`) if (!used.has(candidate)) return candidate
}
