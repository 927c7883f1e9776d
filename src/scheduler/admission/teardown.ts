import type { Cluster } from '../../model/cluster.js'
import { quote } from '../../model/names.js'
import { unsaved } from '../../model/transfers.js'
import type { Decision, DocumentChange } from '../commit/decision.js'
import { type TokenState, tokenStateOf } from './tokenState.js'
import * as messages from './messages.js'

/**
 * unknown: no such token (Slurm must be told `token not found`).
 * leaving: it is going; wait for `teardownProgress(cluster, token, sessionId)`.
 */
export type TearingDown = { state: 'unknown' } | { state: 'leaving'; sessionId: number }

/**
 * The end of a job's session or of a persistent buffer. `uid`: refused unless it is the owner; leave it out for
 * callers that have been checked (Slurm) or may do anything (operators).
 *
 * Without `hurry` a job whose stage-outs have not succeeded is not torn down: its data would be lost.
 *
 * A persistent buffer that jobs use is wanted absent at once, so that the wish outlives this call and no further job is
 * admitted to it; its volume stays until the last of them has ended.
 */
export function teardown(
  cluster: Cluster,
  request: { token: string; uid?: number; hurry?: boolean },
): Decision<TearingDown> {
  const { token, uid, hurry = false } = request
  const tokenState = tokenStateOf(cluster, token)
  const owner = tokenState.session ?? tokenState.buffer
  if (!owner) return { changes: [], result: { state: 'unknown' } }
  if (uid !== undefined && uid !== owner.uid) return { refused: messages.ownedByAnother(quote(token)) }
  const [unsavedTransfer] = tokenState.session && !hurry ? unsaved(tokenState.session) : []
  // guard: staged-out
  if (unsavedTransfer) return { refused: messages.dataKept(token, unsavedTransfer) }
  return { changes: leave(tokenState), result: { state: 'leaving', sessionId: tokenState.session?.id ?? 0 } }
}

/** Both wanted gone; nothing for what is going already. */
export function leave({ session, buffer }: TokenState): DocumentChange[] {
  const changes: DocumentChange[] = []
  if (session && session.stage !== 'leaving') {
    changes.push({ kind: 'session', name: session.token, document: { ...session, stage: 'leaving' } })
  }
  if (buffer && buffer.wanted !== 'absent') {
    changes.push({ kind: 'buffer', name: buffer.name, document: { ...buffer, wanted: 'absent' } })
  }
  return changes
}
