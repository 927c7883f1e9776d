import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { at, type Cluster } from '../model/cluster.js'
import { bufferDocument, cordonDocument, sessionDocument } from '../model/documents.js'
import { documentName } from '../model/names.js'
import type { Decision, DocumentChange } from './core.js'

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
    buffers: Object.fromEntries(cluster.buffers),
    sessions: Object.fromEntries(cluster.sessions),
    cordons: [...cluster.cordons.values()],
  }
}

/** Documents of one step of a restore: well below what etcd takes in a transaction. */
const stepSize = 30

/**
 * The next step of a restore into an empty etcd, to be decided again until `left` is 0. Buffers come before the sessions that
 * use them. One that broke off goes on when it is repeated: what is there already must be what the file says.
 */
export function restoreStep(cluster: Cluster, backup: Backup): Decision<{ left: number }> {
  const unread = unreadable(cluster)
  if (unread !== undefined) return { refused: `etcd holds ${unread}, which cannot be read: restore into an empty etcd` }
  const other = whatIsNotOf(cluster, backup)
  if (other !== undefined)
    return { refused: `etcd holds ${other}, which the file does not: restore into an empty etcd` }
  const missing: DocumentChange[] = [
    ...Object.entries(backup.buffers)
      .filter(([name]) => !cluster.buffers.has(name))
      .map(([name, document]) => ({ kind: 'buffer', name, document }) as const),
    ...Object.entries(backup.sessions)
      .filter(([name]) => !cluster.sessions.has(name))
      .map(([name, document]) => ({ kind: 'session', name, document }) as const),
    ...backup.cordons
      .filter((cordon) => !cluster.cordons.has(placeOf(cordon)))
      .map((document): DocumentChange => {
        const { host, device } = document
        return { kind: 'cordon', host, ...(device === undefined ? {} : { device }), document }
      }),
  ]
  const lastId = Math.max(backup.lastId, cluster.lastId, ...idsOf(backup))
  const counter: DocumentChange[] = lastId === cluster.lastId ? [] : [{ kind: 'lastId', lastId }]
  const changes = [...counter, ...missing.slice(0, stepSize)]
  return { changes, result: { left: Math.max(0, missing.length - stepSize) } }
}

function whatIsNotOf(cluster: Cluster, backup: Backup): string | undefined {
  for (const [name, { id }] of cluster.buffers) if (backup.buffers[name]?.id !== id) return `the buffer ${name}`
  for (const [name, { id }] of cluster.sessions) if (backup.sessions[name]?.id !== id) return `the session ${name}`
  const known = new Map(backup.cordons.map((cordon) => [placeOf(cordon), cordon]))
  for (const [place, cordon] of cluster.cordons) {
    if (!isDeepStrictEqual(known.get(place), cordon)) return `a cordon on ${place}`
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
  return device === undefined ? host : at(host, device)
}
