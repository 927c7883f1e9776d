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

/** What hosts are told for a session: it stays told until the session is gone. */
export type SessionKind = { [K in DesiredKind]: Desired[K] extends { session: object } ? K : never }[DesiredKind]

/** The document was told for a session (mount, transfer, swap), and not for a buffer or a host alone. */
export function isOfSession(document: AnyDesired): document is Desired[SessionKind] {
  return 'session' in document
}
