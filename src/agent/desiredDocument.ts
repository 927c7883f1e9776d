import type { AnyDesired, DesiredKind } from '../model/documents/desired.js'
import { readDesired } from '../store/documents.js'
import type { Entry } from '../store/store.js'
import type { DesiredEntry, DocumentId } from './reconcile/document.js'

type Leader = { fence: number }

/** A desired document as it stands in etcd, or why it is not acted upon: its schema, its key or its fence is wrong. */
export function acceptDesired(
  entry: Entry,
  { kind, id }: DocumentId,
  leader: Leader,
): { accepted: DesiredEntry } | { refused: string } {
  const read = readDesired(entry, { kind })
  if ('invalid' in read) return { refused: read.invalid }
  const { document } = read
  const { modRevision } = entry
  const refused = problemWithKey(document, kind, id) ?? problemWithFence(document, modRevision, leader)
  if (refused !== undefined) return { refused }
  return { accepted: { kind, id, document, modRevision } as DesiredEntry }
}

function problemWithKey(document: AnyDesired, kind: DesiredKind, id: string): string | undefined {
  if (document.kind !== kind) return `it is a ${document.kind} under the key of a ${kind}`
  const named = nameIn(document)
  return named === undefined || named === id ? undefined : `it speaks of ${named} under the key of ${id}`
}

/** The id of its key, where the document says it too. */
function nameIn(document: AnyDesired): string | undefined {
  if ('device' in document) return document.device
  if (document.kind === 'volume') return document.volume
  return document.kind === 'peer' ? document.peer : undefined
}

/** A leader that lost its leadership may write no more: what comes later must not carry a lower fence. */
function problemWithFence({ fence }: AnyDesired, modRevision: number, leader: Leader): string | undefined {
  // A fence is the revision at which its leader was elected: what was written before it may carry the one before.
  if (modRevision <= leader.fence || fence >= leader.fence) return undefined
  return `its fence ${fence} is older than ${leader.fence}: a former leader wrote it`
}
