import { hasOnlyCutOff } from '../../model/buffers.js'
import type { Cluster } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument } from '../../model/documents/session.js'
import { archivedName } from '../../model/names.js'
import { isDeletedInBackground, phaseOf } from '../../model/phase.js'
import { hostsCopying } from '../../model/transfers.js'
import type { DocumentChange } from '../commit/decision.js'

/** What is known of a token: its session, and the buffer that the session made. Either may be missing. */
export interface TokenState {
  session: SessionDocument | undefined
  buffer: BufferDocument | undefined
}

export function tokenStateOf(cluster: Cluster, token: string): TokenState {
  return { session: cluster.sessions.get(token), buffer: cluster.buffers.get(token) }
}

/** Nothing but a lost host, an operator or the end of a long wipe can move it on: its name may be given away. */
export function canBeArchived(cluster: Cluster, { session, buffer }: TokenState): boolean {
  if (session && session.stage !== 'leaving') return false
  // A copy of an earlier session must not write beside one of the next session to the same destination.
  if (session && hostsCopying(cluster, session).some((host) => cluster.hosts.has(host))) return false
  const isAway = (host: string) => !cluster.hosts.has(host) || hasOnlyCutOff(cluster, session!, host)
  if (!buffer) return !session || session.computeHosts.every(isAway)
  return buffer.wanted === 'absent' && isDeletedInBackground(phaseOf(cluster, buffer))
}

/**
 * Moves both aside, `NAME` to `NAME~ID`, with every session that refers to the buffer. Their mountpoint and events go
 * with the old key; the agents notice nothing, because desired documents go by id.
 */
export function archive(cluster: Cluster, { session, buffer }: TokenState): DocumentChange[] {
  const changes: DocumentChange[] = []
  const archived = buffer && archivedName(buffer.name, buffer.id)
  if (buffer && archived) {
    changes.push({ kind: 'buffer', name: buffer.name, document: undefined })
    changes.push({ kind: 'buffer', name: archived, document: buffer })
    for (const [key, user] of cluster.sessions) {
      if (user === session || !user.uses.includes(buffer.name)) continue
      const uses = user.uses.map((name) => (name === buffer.name ? archived : name))
      changes.push({ kind: 'session', name: key, document: { ...user, uses, ...renamed(user, buffer.name, archived) } })
    }
  }
  if (session) {
    // A session whose buffer is gone must not lay hold of the next one of that name.
    const document: SessionDocument = { ...session, ...(archived ? renamed(session, session.token, archived) : {}) }
    if (archived === undefined) delete document.buffer
    else document.buffer = archived
    changes.push({ kind: 'session', name: session.token, document: undefined })
    changes.push({ kind: 'session', name: archivedName(session.token, session.id), document })
  }
  return changes
}

/** Its transfers, with the new name of the buffer. */
function renamed({ transfers }: SessionDocument, from: string, to: string): Pick<SessionDocument, 'transfers'> {
  if (!transfers) return {}
  return { transfers: transfers.map((transfer) => (transfer.buffer === from ? { ...transfer, buffer: to } : transfer)) }
}
