import type { DesiredKind } from '../../model/documents/desired.js'
import { keys } from '../../store/keys.js'
import type { Host } from '../port/host.js'
import { describeStep, isDestructive, type Step, type StepArgs, type StepKind } from '../port/steps.js'
import type { DesiredEntry, ReconcilerDependencies } from './document.js'
import { isWantedElsewhere } from './sharedMounts.js'

/**
 * Executes the steps of a plan, in order. False when the desired document changed meanwhile: the rest of the plan is
 * void.
 *
 * INVARIANT: before the first step and before each destructive one the document is read again, linearizably, and must
 * be the one that was planned for: an agent that is cut off from etcd must not bring back what others were told to
 * remove.
 */
export async function executeSteps<K extends DesiredKind>(
  entry: DesiredEntry<K>,
  steps: readonly Step[],
  isCurrent: (entry: DesiredEntry<K>) => boolean,
  dependencies: ReconcilerDependencies,
): Promise<boolean> {
  const { host, log, clock, limits } = dependencies
  const { kind, id } = entry
  for (const step of steps) {
    // guard: read-again
    const asksAgain = step === steps[0] || isDestructive[step.kind]
    let start = clock.monotonicMs()
    // Read when the step's turn has come: it may have waited for many others of this host.
    const done = await limits[kind].add(async () => {
      if (!isCurrent(entry) || (asksAgain && !(await mayStill(entry, step, dependencies)))) return false
      start = clock.monotonicMs()
      await execute(host, step)
      return true
    })
    if (!done) return false
    log.info('step done', { kind, id, step: describeStep(step), ms: Math.round(clock.monotonicMs() - start) })
  }
  return true
}

async function mayStill(entry: DesiredEntry, step: Step, dependencies: ReconcilerDependencies): Promise<boolean> {
  const { store, host } = dependencies
  const takesAway = 'mount' in step && step.mount.wanted === 'absent'
  if (takesAway && (await isWantedElsewhere(store, host.name, step.mount))) return false
  return isStillDesired(entry, dependencies)
}

async function isStillDesired(entry: DesiredEntry, { store, host }: ReconcilerDependencies): Promise<boolean> {
  const now = await store.get(keys.desired(host.name, entry.kind, entry.id))
  // guard: same-document
  return now?.modRevision === entry.modRevision
}

async function execute<S extends StepKind>(host: Host, step: Step & { kind: S }): Promise<void> {
  await host.effects[step.kind](step as unknown as StepArgs[S])
}
