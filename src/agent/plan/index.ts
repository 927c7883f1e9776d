import type { Desired, DesiredKind } from '../../model/documents/desired.js'
import type { Facts } from '../port/host.js'
import { planAdopt } from './adopt.js'
import { planBrick } from './brick.js'
import { planMount } from './mount.js'
import type { Plan } from '../port/plan.js'
import { planTransfer } from './transfer.js'
import { planSwap } from './swap.js'
import { planPeer } from './dataplane/index.js'
import { planVolume } from './volume.js'

/** From a desired document and the facts of its host to one round of steps. Pure. */
export const plan: { [K in DesiredKind]: (desired: Desired[K], facts: Facts[K]) => Plan<K> } = {
  brick: planBrick,
  volume: planVolume,
  mount: planMount,
  peer: planPeer,
  adopt: (adopt, facts) => planAdopt(adopt, facts),
  transfer: planTransfer,
  swap: planSwap,
}
