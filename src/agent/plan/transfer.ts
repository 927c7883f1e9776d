import type { DesiredTransfer } from '../../model/documents/transfer.js'
import type { TransferFacts, TransferTally } from '../port/host.js'
import type { Step } from '../port/steps.js'
import type { Plan } from '../port/plan.js'

/*
 * One part of a transfer on this host. Wanted done: processes of an earlier agent ended → the volume mounted → the part
 * begun → working → done. A part takes hours, so its step only begins it; the facts show how far it is.
 *
 * Wanted absent: processes ended, notes removed, unmounted → absent. Only then may the volume be deleted.
 */
export function planTransfer(transfer: DesiredTransfer, facts: TransferFacts): Plan<'transfer'> {
  const { mounted, isDead, orphans, running, done, refused, hasOldCertificate } = facts
  if (transfer.wanted === 'absent') {
    if (!mounted && orphans === 0) return round(transfer, 'absent')
    return round(transfer, 'working', { steps: [{ kind: 'endTransfer', transfer }] })
  }
  if (refused !== undefined) return { ...round(transfer, 'working'), refused }
  const renew: Step[] = hasOldCertificate ? [{ kind: 'renewTransferCertificate', transfer }] : []
  if (running) return round(transfer, 'working', { steps: renew, tally: running })
  if (orphans > 0) return round(transfer, 'working', { steps: [{ kind: 'stopTransfer', transfer }] })
  if (!mounted || isDead) return round(transfer, 'working', { steps: [{ kind: 'mountTransfer', transfer }] })
  if (done) return round(transfer, 'done', { tally: done })
  return round(transfer, 'working', { steps: [{ kind: begin[transfer.part], transfer }] })
}

const begin = { plan: 'scanTransfer', copy: 'copyTransfer', finish: 'finishTransfer' } as const

const nothing: TransferTally = {
  counts: { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0, failed: 0 },
  failures: [],
}

function round(
  { attempt, part }: DesiredTransfer,
  state: 'working' | 'done' | 'absent',
  { steps = [], tally = nothing }: { steps?: Step[]; tally?: TransferTally } = {},
): Plan<'transfer'> {
  return { steps, waitingFor: [], report: { attempt, part, state, ...tally } }
}
