import type { cutOffHosts } from '../../model/buffers.js'
import { at, type Cluster, mountIdOf } from '../../model/cluster.js'

/** Its agent may have been started again meanwhile, and says nothing of it yet. */
export function describeCutOff(cluster: Cluster, { host, mount }: ReturnType<typeof cutOffHosts>[number]): string {
  const message = cluster.observed.mount.get(at(host, mountIdOf(mount)))?.problem?.message
  const why = message === undefined ? `it could not unmount ${mount.path}` : message
  return `it is cut off from ${mount.buffer.name} of job ${mount.session.token}: ${why}`
}
