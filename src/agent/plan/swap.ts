import type { DesiredSwap } from '../../model/documents/swap.js'
import type { SwapFacts } from '../port/host.js'
import type { Step } from '../port/steps.js'
import { placeOfSwapToBeMounted } from './messages.js'
import type { Plan, Report } from '../port/plan.js'

/*
 * Swap of a compute node on a buffer, wanted on: file allocated completely → attached to a loop device → encrypted →
 * mkswap and swapon → on. Wanted absent, in reverse: swapoff → encryption closed → detached → file removed → absent.
 * The facts show which steps are left, so that an agent that was killed between two steps, or a node that was turned
 * off, continues. Swap that is on without encryption, from an earlier release or setting, stays so until it is removed.
 */
export function planSwap(swap: DesiredSwap, facts: SwapFacts): Plan<'swap'> {
  return swap.wanted === 'on' ? planOn(swap, facts) : planAbsent(swap, facts)
}

function planOn(swap: DesiredSwap, { unsupported, mustEncrypt, isMounted, files, loops }: SwapFacts): Plan<'swap'> {
  const report: Report<'swap'> = { state: 'forming' }
  if (loops.some(({ isOn }) => isOn)) return { steps: [], waitingFor: [], report: { state: 'on' } }
  if (unsupported !== undefined) return { steps: [], waitingFor: [], refused: unsupported, report }
  // Without the mount the file would be on the node's own disk.
  if (!isMounted)
    return { steps: [], waitingFor: [placeOfSwapToBeMounted(`${swap.volume}${swap.directory}`, swap.path)], report }
  const steps: Step[] = []
  if (!files.some(({ isWhole }) => isWhole)) steps.push({ kind: 'allocateSwap', swap })
  if (loops.length === 0) steps.push({ kind: 'attachSwap', swap })
  const mapping = loops[0]?.mapping
  if (mapping === 'begun' || (mustEncrypt && mapping === undefined)) steps.push({ kind: 'encryptSwap', swap })
  return { steps: [...steps, { kind: 'enableSwap', swap }], waitingFor: [], report }
}

function planAbsent(swap: DesiredSwap, { files, loops }: SwapFacts): Plan<'swap'> {
  const steps: Step[] = []
  if (loops.some(({ isOn }) => isOn)) steps.push({ kind: 'disableSwap', swap })
  if (loops.some(({ mapping }) => mapping !== undefined)) steps.push({ kind: 'closeSwap', swap })
  if (loops.length > 0) steps.push({ kind: 'detachSwap', swap })
  if (files.length > 0) steps.push({ kind: 'removeSwap', swap })
  return { steps, waitingFor: [], report: { state: steps.length === 0 ? 'absent' : 'leaving' } }
}
