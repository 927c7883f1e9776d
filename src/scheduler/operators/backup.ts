import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { hostKey, type Cluster } from '../../model/cluster.js'
import { type BufferDocument, bufferDocument } from '../../model/documents/buffer.js'
import { type CordonDocument, cordonDocument } from '../../model/documents/cordon.js'
import { sessionDocument } from '../../model/documents/session.js'
import { documentName } from '../../model/names.js'
import { maxOperations, maxTransactionBytes } from '../../store/store.js'
import type { Decision, DocumentChange } from '../commit/decision.js'
import { dataPlaneOf } from '../dataplane/index.js'
import { pack, type Size } from '../commit/pack.js'

/*
 * What people asked for, as one file: the buffers with their placement, the sessions, the cordons, and the last id given
 * out. Everything else in etcd follows from it or is told by the agents again.
 */
export const backupFile = z.strictObject({
  burstbuffer: z.literal('backup'),
  v: z.literal(1),
  madeAt: z.int().nonnegative(),
  lastId: z.int().nonnegative(),
  buffers: z.record(documentName, bufferDocument),
  sessions: z.record(documentName, sessionDocument),
  cordons: z.array(cordonDocument),
})
export type Backup = z.infer<typeof backupFile>

/** Refused while a document cannot be read: a backup that leaves one out would be taken for the whole. */
export function backupOf(cluster: Cluster, now: number): Backup | { refused: string } {
  const unread = unreadable(cluster)
  if (unread !== undefined) return { refused: `etcd's ${unread} cannot be read: mend it first` }
  return {
    burstbuffer: 'backup',
    v: 1,
    madeAt: now,
    lastId: cluster.lastId,
    buffers: Object.fromEntries([...cluster.buffers].map(([name, buffer]) => [name, withoutSecret(buffer)])),
    sessions: Object.fromEntries(cluster.sessions),
    cordons: [...cluster.cordons.values()],
  }
}

/** A backup opens no buffer. */
function withoutSecret(buffer: BufferDocument): BufferDocument {
  const open = { ...buffer }
  delete open.secret
  return open
}

/** Its hosts serve it with new logins then: nobody has it mounted once etcd is lost but nodes that lose it. */
function withNewSecret(buffer: BufferDocument): BufferDocument {
  return { ...buffer, ...dataPlaneOf(buffer).ofNewBuffer() }
}

/** Of one step of a restore, beside the fence and the counter. */
const stepLimits = { operations: maxOperations - 3, bytes: maxTransactionBytes }

/**
 * The next step of a restore into an empty etcd, to be decided again until `left` is 0. A buffer comes together with the session
 * that made it, and before the sessions that use it. A restore that broke off goes on when it is repeated: what is there already
 * must be what the file says. A quarantine is no obstacle: the scheduler itself may make one between two steps, when a disk that the
 * file names is broken.
 */
export function restoreStep(cluster: Cluster, backup: Backup): Decision<{ left: number }> {
  const unread = unreadable(cluster)
  if (unread !== undefined) return { refused: `etcd holds ${unread}, which cannot be read: restore into an empty etcd` }
  const other = whatIsNotOf(cluster, backup)
  if (other !== undefined)
    return { refused: `etcd holds ${other}, which the file does not: restore into an empty etcd` }
  const groups = missing(cluster, backup)
  const [step = []] = pack(groups.slice(0, maxOperations), sizeOf, stepLimits)
  const lastId = Math.max(backup.lastId, cluster.lastId, ...idsOf(backup))
  const counter: DocumentChange[] = lastId === cluster.lastId ? [] : [{ kind: 'lastId', lastId }]
  const changes = [...counter, ...step.flat()]
  return { changes, result: { left: groups.length - step.length } }
}

/** What must be written together, in order. */
function missing(cluster: Cluster, backup: Backup): DocumentChange[][] {
  const buffers = Object.entries(backup.buffers).sort(([, a], [, b]) => rank(a.kind) - rank(b.kind))
  const makers = new Map(Object.entries(backup.sessions).map(([name, { buffer }]) => [buffer, name]))
  const session = (name: string | undefined): DocumentChange[] =>
    name === undefined || cluster.sessions.has(name) ? [] : [{ kind: 'session', name, document: backup.sessions[name] }]
  const made = buffers.map(([name, document]): DocumentChange[] => [
    ...(cluster.buffers.has(name) ? [] : [{ kind: 'buffer', name, document: withNewSecret(document) } as const]),
    ...session(makers.get(name)),
  ])
  const others = Object.entries(backup.sessions)
    .filter(([, { buffer }]) => buffer === undefined || backup.buffers[buffer] === undefined)
    .map(([name]) => session(name))
  const cordons = backup.cordons
    .filter((cordon) => !stands(cluster, cordon))
    .map((document): DocumentChange[] => {
      const { host, device } = document
      return [{ kind: 'cordon', host, ...(device === undefined ? {} : { device }), document }]
    })
  return [...made, ...others, ...cordons].filter((group) => group.length > 0)
}

/** An operator's cordon takes the place of a quarantine, as when it is set by hand; neither is written over. */
function stands(cluster: Cluster, cordon: CordonDocument): boolean {
  const there = cluster.cordons.get(placeOf(cordon))
  return there !== undefined && (there.kind === 'operator' || cordon.kind === 'quarantine')
}

/** Jobs use persistent buffers. */
function rank(kind: BufferDocument['kind']): number {
  return kind === 'persistent' ? 0 : 1
}

function sizeOf(group: DocumentChange[]): Size {
  const bytes = group.reduce((sum, change) => sum + JSON.stringify(change).length, 0)
  // A compare and a write, and for a buffer the removal of events that an earlier one of its name left.
  const operations = group.reduce((sum, { kind }) => sum + (kind === 'buffer' ? 3 : 2), 0)
  return { operations, bytes }
}

function whatIsNotOf(cluster: Cluster, backup: Backup): string | undefined {
  for (const [name, { id }] of cluster.buffers) if (backup.buffers[name]?.id !== id) return `the buffer ${name}`
  for (const [name, { id }] of cluster.sessions) if (backup.sessions[name]?.id !== id) return `the session ${name}`
  const known = new Map(backup.cordons.map((cordon) => [placeOf(cordon), cordon]))
  for (const [place, cordon] of cluster.cordons) {
    if (cordon.kind === 'operator' && !isDeepStrictEqual(known.get(place), cordon)) return `a cordon on ${place}`
  }
  return undefined
}

function unreadable(cluster: Cluster): string | undefined {
  return [...cluster.invalid.keys()].find((key) => /^(buffers|sessions|cordons|placement)/.test(key))
}

function* idsOf({ buffers, sessions }: Backup): Generator<number> {
  for (const { id } of Object.values(buffers)) yield id
  for (const { id } of Object.values(sessions)) yield id
}

function placeOf({ host, device }: { host: string; device?: string | undefined }): string {
  return device === undefined ? host : hostKey(host, device)
}
