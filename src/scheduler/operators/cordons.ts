import { hostKey, type Cluster } from '../../model/cluster.js'
import { cordonedBy, quarantined } from './messages.js'

/** Why a host or a device gets no new bricks: its cordon, or that of its host. */
export function cordonOf(cluster: Cluster, host: string, device?: string): string | null {
  const cordon =
    cluster.cordons.get(device === undefined ? host : hostKey(host, device)) ??
    (device === undefined ? undefined : cluster.cordons.get(host))
  if (!cordon) return null
  return cordon.kind === 'quarantine' ? quarantined(cordon.why) : cordonedBy(cordon.who, cordon.why)
}
