import type { ZodType } from 'zod'
import { bufferDocument } from '../model/documents/buffer.js'
import { clusterDocument, leaderDocument } from '../model/documents/cluster.js'
import { cordonDocument } from '../model/documents/cordon.js'
import { type AnyDesired, type DesiredKind, desiredDocuments } from '../model/documents/desired.js'
import { eventDocument } from '../model/documents/event.js'
import { hostDocument } from '../model/documents/host.js'
import { inventoryDocument } from '../model/documents/inventory.js'
import { type AnyObserved, observedDocuments } from '../model/documents/observed.js'
import { placementDocument } from '../model/documents/placement.js'
import { sessionDocument } from '../model/documents/session.js'
import { parseKey } from './keys.js'
import type { Entry } from './store.js'

export type Read<T> = { document: T } | { invalid: string }

/**
 * An entry's document, checked against its key's schema; or what is wrong with it: the key, where, and what was expected. It never
 * throws.
 */
export function readDocument<T>(entry: Entry, schema: ZodType<T>): Read<T> {
  const parsed = schema.safeParse(entry.value)
  if (parsed.success) {
    const other = otherPlace(entry.key, parsed.data)
    return other === undefined ? { document: parsed.data } : { invalid: `${entry.key}: ${other}` }
  }
  const issues = parsed.error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`)
  return { invalid: `${entry.key}: ${issues.join('; ')}` }
}

/** A host can write only its own keys, so its documents must not name another host. */
function otherPlace(key: string, document: unknown): string | undefined {
  const place = parseKey(key)
  if (!place || !('host' in place)) return undefined
  const said = document as { host?: string; device?: string }
  if (said.host !== undefined && said.host !== place.host) return `host: expected ${place.host}, as in its key`
  if (place.collection === 'cordons' && said.device !== place.device) return 'device: expected that of its key'
  return undefined
}

/** The same for a key below `desired/`, by the schema of its kind. */
export function readDesired(entry: Entry, key: { kind: DesiredKind }): Read<AnyDesired> {
  return readDocument<AnyDesired>(entry, desiredDocuments[key.kind])
}

/** The same for a key below `observed/`, by the schema of its kind. */
export function readObserved(entry: Entry, key: { kind: DesiredKind }): Read<AnyObserved> {
  return readDocument<AnyObserved>(entry, observedDocuments[key.kind])
}

/** Schemas of the collections with one kind of document. */
export const collectionSchemas = {
  hosts: hostDocument,
  inventory: inventoryDocument,
  cordons: cordonDocument,
  buffers: bufferDocument,
  sessions: sessionDocument,
  placement: placementDocument,
  cluster: clusterDocument,
  leader: leaderDocument,
  events: eventDocument,
}
