import type { cutOffHosts } from '../../model/buffers.js'
import { hostKey, type Cluster, mountIdOf } from '../../model/cluster.js'
import * as messages from './messages.js'

/** Its agent may have been started again meanwhile, and says nothing of it yet. */
export function describeCutOff(cluster: Cluster, { host, mount }: ReturnType<typeof cutOffHosts>[number]): string {
  const message = cluster.observed.mount.get(hostKey(host, mountIdOf(mount)))?.problem?.message
  return messages.cutOff(mount.buffer.name, mount.session.token, message ?? messages.couldNotUnmount(mount.path))
}
