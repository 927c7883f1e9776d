import type { AnyDesired, DesiredKind } from '../../model/documents/desired.js'
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
  const turns = inTurn(steps)
  for (const together of turns) {
    // All that begin first: none of them waits for what another one has read.
    const isFirst = together === turns[0]
    const outcomes = await Promise.allSettled(
      together.map((step) => executeStep(entry, step, isFirst, isCurrent, dependencies)),
    )
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
    if (outcomes.some((outcome) => outcome.status === 'fulfilled' && !outcome.value)) return false
  }
  return true
}

/** Bricks of one host are served by processes that know nothing of one another: neighbouring steps of them run at once. */
const isApart: Partial<Record<StepKind, true>> = { startBrick: true, stopBrick: true }

function inTurn(steps: readonly Step[]): Step[][] {
  const turns: Step[][] = []
  for (const step of steps) {
    const last = turns.at(-1)
    if (last && isApart[step.kind] && last[0]!.kind === step.kind) last.push(step)
    else turns.push([step])
  }
  return turns
}

/** False when the desired document changed meanwhile. */
async function executeStep<K extends DesiredKind>(
  entry: DesiredEntry<K>,
  step: Step,
  isFirst: boolean,
  isCurrent: (entry: DesiredEntry<K>) => boolean,
  dependencies: ReconcilerDependencies,
): Promise<boolean> {
  const { host, log, clock, limitOf } = dependencies
  const { kind, id } = entry
  // guard: read-again
  const asksAgain = isFirst || isDestructive[step.kind]
  let start = clock.monotonicMs()
  // Read when the step's turn has come: it may have waited for many others of this host.
  const done = await limitOf(entry.document as AnyDesired).add(async () => {
    if (!isCurrent(entry) || (asksAgain && !(await mayStill(entry, step, dependencies)))) return false
    start = clock.monotonicMs()
    await execute(host, step)
    return true
  })
  if (done) log.info('step done', { kind, id, step: describeStep(step), ms: Math.round(clock.monotonicMs() - start) })
  return done === true
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
