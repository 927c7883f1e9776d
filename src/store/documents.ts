import type { ZodType } from 'zod'
import {
  type AnyDesired,
  type AnyObserved,
  type DesiredKind,
  bufferDocument,
  cordonDocument,
  desiredDocuments,
  eventDocument,
  hostDocument,
  inventoryDocument,
  leaderDocument,
  observedDocuments,
  placementDocument,
  sessionDocument,
} from '../model/documents.js'
import type { Entry } from './store.js'

export type Read<T> = { document: T } | { invalid: string }

/** An entry's document, checked against its key's schema; or what is wrong with it: the key, where and what was expected. */
export function readDocument<T>(entry: Entry, schema: ZodType<T>): Read<T> {
  const parsed = schema.safeParse(entry.value)
  if (parsed.success) return { document: parsed.data }
  const issues = parsed.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`)
  return { invalid: `${entry.key}: ${issues.join('; ')}` }
}

export function readDesired(entry: Entry, key: { kind: DesiredKind }): Read<AnyDesired> {
  return readDocument<AnyDesired>(entry, desiredDocuments[key.kind])
}

export function readObserved(entry: Entry, key: { kind: DesiredKind }): Read<AnyObserved> {
  return readDocument<AnyObserved>(entry, observedDocuments[key.kind])
}

/** Schemas of the rooms that hold one kind of document each. */
export const roomSchemas = {
  hosts: hostDocument,
  inventory: inventoryDocument,
  cordons: cordonDocument,
  buffers: bufferDocument,
  sessions: sessionDocument,
  placement: placementDocument,
  leader: leaderDocument,
  events: eventDocument,
}
