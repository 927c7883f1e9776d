import type { Desired, DesiredKind } from '../../model/documents.js'
import type { Facts } from '../host.js'
import { planAdopt } from './adopt.js'
import { planBrick } from './brick.js'
import { planMount } from './mount.js'
import { planPeer } from './peer.js'
import type { Plan } from './plan.js'
import { planVolume } from './volume.js'

/** From a desired document and the facts of its host to one round of steps. Pure. */
export const plan: { [K in DesiredKind]: (desired: Desired[K], facts: Facts[K]) => Plan<K> } = {
  brick: planBrick,
  volume: planVolume,
  mount: planMount,
  peer: planPeer,
  adopt: (adopt, facts) => planAdopt(adopt, facts),
  transfer: notServed,
}

function notServed({ attempt, part }: Desired['transfer']): Plan<'transfer'> {
  const counts = { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0, failed: 0 }
  const report = { attempt, part, state: 'working', counts, failures: [] } as const
  return {
    steps: [],
    waitingFor: [],
    refused: 'this version of the agent copies nothing',
    report: { ...report, failures: [] },
  }
}
