import { type ObservedAdopt, observedAdopt } from './adopt.js'
import { type ObservedBrick, observedBrick } from './brick.js'
import type { DesiredKind } from './desired.js'
import { type ObservedMount, observedMount } from './mount.js'
import { type ObservedPeer, observedPeer } from './peer.js'
import { type ObservedSwap, observedSwap } from './swap.js'
import { type ObservedTransfer, observedTransfer } from './transfer.js'
import { type ObservedVolume, observedVolume } from './volume.js'

export const observedDocuments = {
  brick: observedBrick,
  volume: observedVolume,
  mount: observedMount,
  peer: observedPeer,
  adopt: observedAdopt,
  transfer: observedTransfer,
  swap: observedSwap,
}
export type Observed = {
  brick: ObservedBrick
  volume: ObservedVolume
  mount: ObservedMount
  peer: ObservedPeer
  adopt: ObservedAdopt
  transfer: ObservedTransfer
  swap: ObservedSwap
}
export type AnyObserved = Observed[DesiredKind]
