import type { AnyDesired, DesiredKind } from '../model/documents/desired.js'
import { readDesired } from '../store/documents.js'
import type { Entry } from '../store/store.js'
import { fromFormerLeader, wrongId, wrongKind } from './messages.js'
import type { DesiredEntry, DocumentId } from './reconcile/document.js'

type Leader = { fence: number }

/** A desired document from etcd, or why it is refused: its schema, its key or its fence is wrong. */
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
  if (document.kind !== kind) return wrongKind(document.kind, kind)
  const named = nameIn(document)
  return named === undefined || named === id ? undefined : wrongId(named, id)
}

/** The id of the document's key, if the document contains it. */
function nameIn(document: AnyDesired): string | undefined {
  if ('device' in document) return document.device
  if (document.kind === 'volume') return document.volume
  return document.kind === 'peer' ? document.peer : undefined
}

/** A former leader may not write any more: a later document must not have a lower fence. */
function problemWithFence({ fence }: AnyDesired, modRevision: number, leader: Leader): string | undefined {
  // A fence is the revision at which its leader was elected: a document that was written before may have an earlier
  // fence.
  if (modRevision <= leader.fence || fence >= leader.fence) return undefined
  return fromFormerLeader(fence, leader.fence)
}
