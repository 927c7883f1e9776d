import { hostKey } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import { toLevel, levels } from '../../model/levels.js'
import { boundBrick, isSpare } from '../../model/spares.js'
import { keys } from '../../store/keys.js'
import type { Compare, Write } from '../../store/store.js'
import type { DocumentChange, Following } from './decision.js'
import type { ClusterCache } from '../cluster/cache.js'

export interface Transaction {
  compares: Compare[]
  writes: Write[]
}

/**
 * The changes as one transaction: under the leader's fence, and only if every document is still as the cache has it.
 * Spares that a buffer is given become its bricks in the transaction that names them in its document: no spare is a buffer's, and no
 * buffer's brick a spare. A buffer's mountpoint and events are deleted in the transaction that deletes its document, or gives its name to another buffer.
 */
export function transactionOf(cache: ClusterCache, fence: number, changes: DocumentChange[]): Transaction {
  // guard: compare-leader
  const compares: Compare[] = [fenceCompare(fence)]
  const writes: Write[] = []
  for (const change of withBoundBricks(cache, changes)) {
    const key = keyOf(change)
    // guard: compare-documents
    compares.push({ key, modRevision: cache.revisionOf(key) })
    const value = valueOf(cache, change, fence)
    if (value !== undefined) writes.push({ put: key, value })
    else if (cache.revisionOf(key) !== 0) writes.push({ delete: key })
    if (change.kind === 'buffer' && cache.buffers.get(change.name)?.id !== change.document?.id) {
      if (cache.mountpoints.has(change.name)) writes.push({ delete: keys.mountpoint(change.name) })
      // Not only the events in the cache, which may not yet contain the latest. A name that was free has none.
      if (cache.buffers.has(change.name) || cache.lastEventOf(change.name) > 0)
        writes.push({ deletePrefix: keys.events(change.name) })
    }
  }
  return { compares, writes }
}

/** Both in one transaction. What the changes themselves write or compare is not repeated. */
export function joined({ compares, writes }: Transaction, following: Following): Transaction {
  const written = new Set(writes.map(keyWritten))
  const compared = new Set(compares.map(({ key }) => key))
  return {
    compares: [...compares, ...following.compares.filter(({ key }) => !compared.has(key))],
    writes: [...writes, ...following.writes.filter((write) => !written.has(keyWritten(write)))],
  }
}

function keyWritten(write: Write): string {
  return 'put' in write ? write.put : 'delete' in write ? write.delete : write.deletePrefix
}

function withBoundBricks(cache: ClusterCache, changes: DocumentChange[]): DocumentChange[] {
  const bound = changes.flatMap((change) =>
    change.kind === 'buffer' && change.document ? bindingsOf(cache, change.document, change.name) : [],
  )
  return [...changes, ...bound]
}

function bindingsOf(cache: ClusterCache, buffer: BufferDocument, name: string): DocumentChange[] {
  return buffer.bricks.flatMap(({ host, device, uuid }): DocumentChange[] => {
    const told = cache.desired.brick.get(hostKey(host, device))
    if (!isSpare(told) || told.uuid !== uuid) return []
    return [{ kind: 'brick', host, device, document: boundBrick(told, buffer, name) }]
  })
}

export function fenceCompare(fence: number): Compare {
  return { key: keys.leader, createRevision: fence }
}

function keyOf(change: DocumentChange): string {
  switch (change.kind) {
    case 'buffer':
      return keys.buffer(change.name)
    case 'session':
      return keys.session(change.name)
    case 'cordon':
      return keys.cordon(change.host, change.device)
    case 'adopt':
      return keys.desired(change.host, 'adopt', change.device)
    case 'brick':
      return keys.desired(change.host, 'brick', change.device)
    case 'lastId':
      return keys.placement
  }
}

function valueOf(cache: ClusterCache, change: DocumentChange, fence: number): object | undefined {
  if (change.kind === 'lastId') return { v: 1, lastId: change.lastId }
  if (change.kind === 'adopt') {
    const level = cache.levelOf(change.host) ?? levels.lowest
    return change.document && { ...toLevel(change.document, 'desired/adopt', level), fence }
  }
  if (change.kind === 'brick') return change.document && { ...change.document, fence }
  return change.document
}
