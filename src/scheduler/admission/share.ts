import type { Cluster } from '../../model/cluster.js'
import { quote } from '../../model/names.js'
import type { Decision } from '../commit/decision.js'
import * as messages from './messages.js'

/**
 * Shares a persistent buffer with a group. Slurm hands no group to create_persistent, only to the setup of the same job,
 * by its script: until then, and if that never comes, the buffer is its owner's alone.
 */
export function shareBuffer(cluster: Cluster, request: { name: string; uid: number; gid: number }): Decision<object> {
  const { name, uid, gid } = request
  const buffer = cluster.buffers.get(name)
  if (buffer?.kind !== 'persistent' || buffer.wanted === 'absent') return { refused: messages.noPersistentBuffer(name) }
  if (buffer.uid !== uid) return { refused: messages.ownedByAnother(`persistent buffer ${quote(name)}`) }
  if (buffer.sharedGid === gid) return { changes: [], result: {} }
  return { changes: [{ kind: 'buffer', name, document: { ...buffer, sharedGid: gid } }], result: {} }
}
