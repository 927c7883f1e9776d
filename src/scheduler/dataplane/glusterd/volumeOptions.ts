import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { ClientSettings, VolumeSpec } from '../dataPlane.js'
import { allowedClients } from './authAllow.js'

/** A brick that hangs stalls every `ls` for as long; GlusterFS's own 42 seconds are too many. */
const always = { 'network.ping-timeout': '10' }

export function volumeSpec(cluster: Cluster, buffer: BufferDocument, settings: ClientSettings): VolumeSpec {
  return { type: 'glusterfs', options: { ...always, 'auth.allow': allowedClients(cluster, buffer, settings) } }
}
