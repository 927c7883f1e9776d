import { randomUUID } from 'node:crypto'
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
import * as messages from './messages.js'

/*
 * What people asked for, as one file: the buffers with their placement, the sessions, the cordons, and the last id that was given
 * out. Everything else in etcd is derived from it, or reported by the agents again.
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

/** Refused while a document cannot be read: a backup without it would look complete. */
export function backupOf(cluster: Cluster, now: number): Backup | { refused: string } {
  const unread = unreadable(cluster)
  if (unread !== undefined) return { refused: messages.backupUnreadable(unread) }
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
function withNewSecret(buffer: BufferDocument, now: number): BufferDocument {
  const certifiedAt = buffer.certifiedAt === undefined ? undefined : now
  return { ...buffer, ...dataPlaneOf(buffer).ofNewBuffer(randomUUID, certifiedAt) }
}

/** The limits of one step of a restore, without the fence and the counter. */
const stepLimits = { operations: maxOperations - 3, bytes: maxTransactionBytes }

/**
 * The next step of a restore into an empty etcd, to be repeated until `left` is 0. A buffer is restored together with its own session,
 * and before the sessions that use it. An interrupted restore continues when it is repeated: what exists already must be the same
 * as in the file. A quarantine is accepted: the scheduler itself may add one between two steps, when a disk of the file is
 * broken.
 */
export function restoreStep(cluster: Cluster, backup: Backup, now: number): Decision<{ left: number }> {
  const unread = unreadable(cluster)
  if (unread !== undefined) return { refused: messages.restoreUnreadable(unread) }
  const other = whatIsNotOf(cluster, backup)
  if (other !== undefined) return { refused: messages.restoreNotEmpty(other) }
  const groups = missing(cluster, backup, now)
  const [step = []] = pack(groups.slice(0, maxOperations), sizeOf, stepLimits)
  const lastId = Math.max(backup.lastId, cluster.lastId, ...idsOf(backup))
  const counter: DocumentChange[] = lastId === cluster.lastId ? [] : [{ kind: 'lastId', lastId }]
  const changes = [...counter, ...step.flat()]
  return { changes, result: { left: groups.length - step.length } }
}

/** The groups of changes, in order; each group must be written together. */
function missing(cluster: Cluster, backup: Backup, now: number): DocumentChange[][] {
  const buffers = Object.entries(backup.buffers).sort(([, a], [, b]) => rank(a.kind) - rank(b.kind))
  const makers = new Map(Object.entries(backup.sessions).map(([name, { buffer }]) => [buffer, name]))
  const session = (name: string | undefined): DocumentChange[] =>
    name === undefined || cluster.sessions.has(name) ? [] : [{ kind: 'session', name, document: backup.sessions[name] }]
  const made = buffers.map(([name, document]): DocumentChange[] => [
    ...(cluster.buffers.has(name) ? [] : [{ kind: 'buffer', name, document: withNewSecret(document, now) } as const]),
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

/** An operator's cordon replaces a quarantine, as when it is set by hand; otherwise an existing cordon stays. */
function stands(cluster: Cluster, cordon: CordonDocument): boolean {
  const there = cluster.cordons.get(placeOf(cordon))
  return there !== undefined && (there.kind === 'operator' || cordon.kind === 'quarantine')
}

/** Persistent buffers first, because jobs use them. */
function rank(kind: BufferDocument['kind']): number {
  return kind === 'persistent' ? 0 : 1
}

function sizeOf(group: DocumentChange[]): Size {
  const bytes = group.reduce((sum, change) => sum + JSON.stringify(change).length, 0)
  // A compare and a write each; for a buffer also the removal of the events of an earlier buffer of its name.
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
