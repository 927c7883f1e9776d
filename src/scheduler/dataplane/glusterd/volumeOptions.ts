import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { ClientSettings, DataPlane, VolumeSpec } from '../dataPlane.js'
import { allowedClients } from './authAllow.js'

/** A brick that hangs stalls every `ls` for as long; GlusterFS's own 42 seconds are too many. */
const always = { 'network.ping-timeout': '10' }

export function volumeSpec(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): VolumeSpec {
  const options = { ...always, ...sharding(buffer), 'auth.allow': allowedClients(cluster, buffer, settings) }
  return { type: 'glusterfs', options }
}

/** Two clients that write one sharded file leave it with a wrong size: only where a node has its files to itself. */
export const layoutOf: DataPlane['layoutOf'] = ({ shardBytes }, { access, hasSwap }) =>
  shardBytes !== undefined && access.join() === 'private' && !hasSwap ? { shardBytes } : {}

function sharding({ shardBytes }: BufferDocument): Record<string, string> {
  return shardBytes === undefined ? {} : { 'features.shard': 'on', 'features.shard-block-size': `${shardBytes}` }
}
