import { isDeepStrictEqual } from 'node:util'
import { slotsFor } from '../../model/capacity.js'
import type { Cluster } from '../../model/cluster.js'
import type { AccessMode, BufferDocument } from '../../model/documents/buffer.js'
import type { SessionDocument, SessionTransfer } from '../../model/documents/session.js'
import { hostOfFirstRelease } from '../../model/levels.js'
import { hostToUnmount } from '../../model/messages.js'
import { quote } from '../../model/names.js'
import { phaseOf } from '../../model/phase.js'
import { hostsCopying } from '../../model/transfers.js'
import type { Decision, DocumentChange } from '../commit/decision.js'
import { placeBricks } from '../placement/place.js'
import { findPool } from '../cluster/pools.js'
import type { Claim } from '../placement/capacityQueue.js'
import { slotsForSwap, type SwapRequest } from '../placement/swapCapacity.js'
import type { Admission, AdmissionContext } from './context.js'
import { dataPlaneOf } from '../dataplane/index.js'
import { canBeArchived, archive, type TokenState, tokenStateOf } from './tokenState.js'
import { leave } from './teardown.js'
import * as messages from './messages.js'

/** A document of more bricks would outgrow what etcd should hold in one value. */
const maxSlots = 300

export interface BufferRequest {
  name: string
  kind: 'job' | 'persistent'
  uid: number
  gid: number
  pool: string | undefined
  bytes: number
  access: AccessMode[]
  clientCache?: Partial<Record<AccessMode, boolean>>
  sharedGid?: number
  /** `filesBytes`: what the job asked for beside it; `bytes` above is what Slurm accounts for both. */
  swap?: SwapRequest & { filesBytes: number }
}

export interface SessionRequest {
  token: string
  kind: 'job' | 'persistent'
  uid: number
  gid: number
  uses: string[]
  /** Its transfers, none of them begun. */
  transfers?: SessionTransfer[]
  /** The buffer that is made with it, under the session's own name. */
  buffer: BufferRequest | undefined
}

/**
 * A session with its buffer, once for each token. One that stands is compared with what is asked; one that is leaving or
 * has failed is waited for, unless nothing but a lost host holds it up: then it is archived. A buffer that has lost its
 * session gets another. Whoever asks for a token of somebody else makes nothing of that go that is not going already.
 */
export function admitSession(
  cluster: Cluster,
  request: SessionRequest,
  context: AdmissionContext,
): Decision<Admission> {
  const { token } = request
  const unreadable = [`sessions/${token}`, `buffers/${token}`].find((key) => cluster.invalid.has(key))
  if (unreadable) return { refused: messages.unreadable(unreadable) }
  const tokenState = tokenStateOf(cluster, token)
  const { session, buffer } = tokenState
  if (!session && !buffer) return begin(cluster, request, [], context)
  const isOwner = [session, buffer].every((document) => document === undefined || document.uid === request.uid)
  if (session?.stage === 'leaving' || buffer?.wanted === 'absent') {
    if (canBeArchived(cluster, tokenState)) return begin(cluster, request, archive(cluster, tokenState), context)
    const left = leave(tokenState)
    if (left.length > 0 && !isOwner) return { refused: messages.takenByAnother(nameOf(request)) }
    return { changes: left, result: { state: 'leaving', waitingFor: waitingFor(cluster, tokenState) } }
  }
  const different = whatDiffers(request, tokenState, context)
  if (different !== undefined) return { refused: different }
  const hasBuffer = session ? session.buffer !== undefined : true
  if (hasBuffer && (!buffer || buffer.failure !== undefined)) {
    return {
      changes: leave(tokenState),
      result: { state: 'leaving', waitingFor: ['what had failed to be cleaned up'] },
    }
  }
  if (!session) return begin(cluster, request, [], context, buffer)
  return { changes: [], result: { state: 'admitted', sessionId: session.id, buffer: session.buffer } }
}

/** `existing`: the request's buffer, where it is there already. */
function begin(
  cluster: Cluster,
  request: SessionRequest,
  archived: DocumentChange[],
  context: AdmissionContext,
  existing?: BufferDocument,
): Decision<Admission> {
  const { token, kind, uid, gid, uses, transfers = [] } = request
  const sessionId = cluster.lastId + 1
  const made = existing ?? (request.buffer && newBuffer(cluster, request.buffer, cluster.lastId + 2, context))
  if (made && 'refused' in made) return made
  if (made && 'claim' in made) return { changes: [], result: { state: 'no-room', ...made } }
  const session: SessionDocument = {
    v: 1,
    id: sessionId,
    token,
    kind,
    uid,
    gid,
    ...(made ? { buffer: made.name } : {}),
    uses,
    ...(uses.length > 0 && !hostOfFirstRelease(cluster) ? { sharedPaths: true as const } : {}),
    computeHosts: [],
    stage: 'setup',
    ...(transfers.length > 0 ? { transfers } : {}),
    createdAt: context.now,
  }
  const written: DocumentChange[] = [
    { kind: 'session', name: token, document: session },
    ...(made && !existing ? [{ kind: 'buffer', name: made.name, document: made } as const] : []),
  ]
  // Where the old one's key is taken over, the deletion of it gives way to the new document.
  const moved = archived.filter((change) => !written.some((w) => sameKey(w, change)))
  return {
    changes: [...moved, ...written, { kind: 'lastId', lastId: cluster.lastId + 2 }],
    result: { state: 'admitted', sessionId, buffer: made?.name },
  }
}

function newBuffer(
  cluster: Cluster,
  request: BufferRequest,
  id: number,
  context: AdmissionContext,
): BufferDocument | { refused: string } | { claim: Claim; reason: string } {
  const pool = findPool(context.config, request.pool)
  if ('refused' in pool) return pool
  const count = slotsOf(request, pool.granularityBytes)
  if (count > maxSlots) {
    const [maxBytes, askedBytes] = [maxSlots * pool.granularityBytes, count * pool.granularityBytes]
    return { refused: messages.bufferTooLarge(pool.name, maxBytes, askedBytes) }
  }
  const plane = dataPlaneOf(pool)
  const asked = { pool: pool.name, granularityBytes: pool.granularityBytes, wipe: pool.wipe }
  const leftOf = (free: number) => context.leftFor?.(pool.name, free) ?? free
  const placed = placeBricks(cluster, { ...asked, count, leftOf }, context.newUuid)
  if ('refused' in placed) {
    if (!placed.mayCome) return placed
    return { claim: { ...asked, slots: count }, reason: placed.refused }
  }
  const served = plane.served(cluster, placed.bricks)
  if ('refused' in served) return served
  return {
    v: 1,
    id,
    name: request.name,
    kind: request.kind,
    uid: request.uid,
    gid: request.gid,
    pool: pool.name,
    granularityBytes: pool.granularityBytes,
    ...(pool.wipe === undefined ? {} : { wipe: pool.wipe }),
    ...plane.ofNewBuffer(context.newUuid, pool.tls ? context.now : undefined),
    requestedBytes: request.bytes,
    access: request.access,
    ...(request.swap ? { swapBytes: request.swap.bytes } : {}),
    ...(request.sharedGid === undefined ? {} : { sharedGid: request.sharedGid }),
    ...(request.clientCache && Object.keys(request.clientCache).length > 0 ? { clientCache: request.clientCache } : {}),
    volume: plane.freeVolumeName(cluster, request.name, id),
    bricks: served.bricks,
    released: [],
    formerVolumes: [],
    directory: 'brick',
    wanted: 'present',
    createdAt: context.now,
  }
}

function slotsOf({ bytes, swap }: BufferRequest, granularityBytes: number): number {
  const accounted = slotsFor(bytes, granularityBytes)
  if (!swap) return accounted
  return Math.max(accounted, slotsFor(swap.filesBytes, granularityBytes) + slotsForSwap(swap, granularityBytes))
}

/** Why this is not the same request made again, if it is not. */
function whatDiffers(
  request: SessionRequest,
  { session, buffer }: TokenState,
  context: AdmissionContext,
): string | undefined {
  const what = nameOf(request)
  const isOthers = [session, buffer].some((document) => document && document.uid !== request.uid)
  if (isOthers) return messages.takenByAnother(what)
  const { buffer: asked } = request
  const hasBuffer = session ? session.buffer !== undefined : buffer !== undefined
  if ((asked !== undefined) !== hasBuffer || (asked && buffer && asked.kind !== buffer.kind))
    return messages.differs(what)
  if (session && !isDeepStrictEqual(asAsked(request.transfers), asAsked(session.transfers)))
    return messages.transfersDiffer(what)
  if (session && [...request.uses].sort().join() !== [...session.uses].sort().join())
    return messages.usesDiffer(what, session.uses)
  if (!asked || !buffer) return undefined
  const pool = findPool(context.config, asked.pool)
  if ('refused' in pool) return pool.refused
  if (buffer.pool !== pool.name) return messages.poolDiffers(what, buffer.pool)
  // Not the bricks: how many nodes there are may be known in one call and not in another.
  if (slotsFor(asked.bytes, buffer.granularityBytes) !== slotsFor(buffer.requestedBytes, buffer.granularityBytes))
    return messages.sizeDiffers(what, buffer.requestedBytes, asked.bytes)
  if (asked.swap?.bytes !== buffer.swapBytes) return messages.swapDiffers(what)
  if ([...asked.access].sort().join() !== [...buffer.access].sort().join())
    return messages.accessDiffers(what, buffer.access)
  return undefined
}

function nameOf({ kind, token }: SessionRequest): string {
  return kind === 'job' ? `job ${token}` : `persistent buffer ${quote(token)}`
}

/** Less what became of them. */
function asAsked(transfers: SessionTransfer[] = []) {
  return transfers.map(({ direction, type, buffer, inside, outside, list, verify }) =>
    JSON.stringify([direction, type, buffer, inside, outside, list, verify]),
  )
}

function waitingFor(cluster: Cluster, { session, buffer }: TokenState): string[] {
  if (buffer) return phaseOf(cluster, { ...buffer, wanted: 'absent' }).waitingFor
  if (!session) return []
  return [
    ...session.computeHosts.map((host) => hostToUnmount(host)),
    ...hostsCopying(cluster, session).map(messages.hostToStopCopying),
  ]
}

function sameKey(a: DocumentChange, b: DocumentChange): boolean {
  return a.kind === b.kind && 'name' in a && 'name' in b && a.name === b.name
}
