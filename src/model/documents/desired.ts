import { type DesiredAdopt, desiredAdopt } from './adopt.js'
import { type DesiredBrick, desiredBrick } from './brick.js'
import { type DesiredMount, desiredMount } from './mount.js'
import { type DesiredPeer, desiredPeer } from './peer.js'
import { type DesiredSwap, desiredSwap } from './swap.js'
import { type DesiredTransfer, desiredTransfer } from './transfer.js'
import { type DesiredVolume, desiredVolume } from './volume.js'

export const desiredDocuments = {
  brick: desiredBrick,
  volume: desiredVolume,
  mount: desiredMount,
  peer: desiredPeer,
  adopt: desiredAdopt,
  transfer: desiredTransfer,
  swap: desiredSwap,
}
export type DesiredKind = keyof typeof desiredDocuments
export const desiredKinds = Object.keys(desiredDocuments) as DesiredKind[]

export type Desired = {
  brick: DesiredBrick
  volume: DesiredVolume
  mount: DesiredMount
  peer: DesiredPeer
  adopt: DesiredAdopt
  transfer: DesiredTransfer
  swap: DesiredSwap
}
export type AnyDesired = Desired[DesiredKind]

/** The kinds of documents that are written for a session, and stay until the session is gone. */
export type SessionKind = { [K in DesiredKind]: Desired[K] extends { session: object } ? K : never }[DesiredKind]

/** True for a document that was written for a session (mount, transfer, swap), not for a buffer or a host. */
export function isOfSession(document: AnyDesired): document is Desired[SessionKind] {
  return 'session' in document
}
