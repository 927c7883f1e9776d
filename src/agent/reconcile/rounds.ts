import type { Problem } from '../../model/documents/common.js'
import type { AnyDesired, DesiredKind } from '../../model/documents/desired.js'
import type { Role } from '../../model/documents/host.js'
import { plan } from '../plan/index.js'
import type { Plan, Report } from '../port/plan.js'
import { BrickMarked, Busy, type Facts } from '../port/host.js'
import type { DesiredEntry, DocumentId, ReconcilerDependencies } from './document.js'
import { executeSteps } from './execute.js'
import type { Reporter } from './reporter.js'
import { lacksRole } from './messages.js'
import { reportWithoutFacts } from './reportWithoutFacts.js'
import { msUntilNextResync } from './resync.js'
import type { RetryPolicy } from './retryPolicy.js'
import { isWantedElsewhere } from './sharedMounts.js'

/** When the next round runs, if nothing starts it before. */
export type Result = 'requeue' | { requeueAfterMs: number }

/** How often the progress of long work is observed. */
const progressMs = 1_000
/** Steps that take longer are reported before they have ended. */
const firstReportMs = 1_000

const roleOf: Record<DesiredKind, Role> = {
  brick: 'storage',
  volume: 'storage',
  peer: 'storage',
  adopt: 'storage',
  transfer: 'storage',
  mount: 'compute',
  swap: 'compute',
}

/*
 * The rounds of one desired document: observe, plan, execute, report. After a plan with steps the host is observed
 * again; a plan without steps ends the rounds.
 *
 * INVARIANT: what is reported was observed after the last step.
 */
export class Rounds<K extends DesiredKind> {
  /** The report of the last observation that succeeded. */
  private lastReport: Report<K> | undefined

  constructor(
    private readonly id: DocumentId<K>,
    private readonly dependencies: ReconcilerDependencies,
    private readonly reporter: Reporter<K>,
    private readonly retry: RetryPolicy,
    /** Whether the entry is still the desired one, and the reconciler is not stopping. */
    private readonly isCurrent: (entry: DesiredEntry<K>) => boolean,
  ) {}

  /** Forgets the last report, because the document changed. */
  reset(): void {
    this.lastReport = undefined
  }

  /** Throws only errors of the store; then the report is missing. */
  async run(entry: DesiredEntry<K>): Promise<Result> {
    const { host, roles, oneByOne } = this.dependencies
    const role = roleOf[entry.kind]
    if (!roles.includes(role)) {
      const problem = { message: lacksRole(host.name, role), terminal: true }
      return this.settle({ steps: [], waitingFor: [], report: withoutFacts(entry) }, problem)
    }
    const document = entry.document as AnyDesired
    if (document.kind !== 'mount') return this.reconcile(entry)
    return oneByOne(document.path, async () => (this.isCurrent(entry) ? this.reconcile(entry) : 'requeue'))
  }

  private async reconcile(entry: DesiredEntry<K>): Promise<Result> {
    let planned: Plan<K>
    try {
      planned = plan[entry.kind](entry.document, await this.observe(entry))
    } catch (error) {
      this.dependencies.log.warn('observation failed', { ...this.id, reason: messageOf(error) })
      return this.fail({ steps: [], waitingFor: [], report: this.lastReport ?? withoutFacts(entry) }, error)
    }
    if (planned.steps.length === 0) {
      const { refused } = planned
      this.tellBrickReady(entry, planned.report)
      return this.settle(planned, refused === undefined ? undefined : { message: refused, terminal: true })
    }
    // The steps of a plan that also waits may not help at once: it is reported, and retried later.
    const isWaiting = planned.waitingFor.length > 0
    if (isWaiting) await this.report(planned, undefined)
    try {
      if (!(await this.executeAndReport(entry, planned))) return 'requeue'
      return isWaiting ? this.retryLater() : 'requeue'
    } catch (error) {
      return this.fail(planned, error)
    }
  }

  private tellBrickReady(entry: DesiredEntry<K>, { state }: Report<K>): void {
    const document = entry.document as AnyDesired
    if (document.kind === 'brick' && state === 'ready' && this.reporter.writtenState !== 'ready')
      this.dependencies.onBrickReady(document)
  }

  private async observe(entry: DesiredEntry<K>): Promise<Facts[K]> {
    const { host, store } = this.dependencies
    const facts = await host.observe[entry.kind](entry.document)
    const document = entry.document as AnyDesired
    if (document.kind !== 'mount' || document.wanted === 'present') return facts
    return { ...facts, isWantedElsewhere: await isWantedElsewhere(store, host.name, document) }
  }

  /**
   * Steps that take long are reported while they run. Most do not, and their end is the first report: each one is a revision in
   * etcd.
   */
  private async executeAndReport(entry: DesiredEntry<K>, planned: Plan<K>): Promise<boolean> {
    let reported = Promise.resolve()
    const isFirst = this.reporter.writtenState === undefined
    const report = () => (reported = this.report(planned, undefined))
    const cancel = isFirst
      ? this.dependencies.clock.after(firstReportMs, () => void report().catch(() => {}))
      : () => {}
    try {
      return await executeSteps(entry, planned.steps, this.isCurrent, this.dependencies)
    } finally {
      cancel()
      await reported
    }
  }

  private async fail(planned: Plan<K>, error: unknown): Promise<Result> {
    const message = messageOf(error)
    if (!(error instanceof Busy)) this.dependencies.log.warn('step failed', { ...this.id, reason: message })
    const terminal = this.retry.isTerminal(error, this.id.kind, planned)
    if (this.retry.isWorthShowing(error)) {
      const fresh = error instanceof BrickMarked ? { needsFreshDirectories: true } : {}
      await this.report({ ...planned, report: { ...planned.report, ...fresh } }, { message, terminal })
    }
    return terminal ? this.resync() : this.retryLater()
  }

  /** Ends the round: there is nothing to do now. */
  private async settle(planned: Plan<K>, problem: Problem | undefined): Promise<Result> {
    const { report } = planned
    // The scheduler reuses the device when it reads this report, so the inventory must say blank before.
    if (freesDevice(this.id.kind, report) && this.reporter.writtenState !== report.state)
      await this.dependencies.refreshInventory(this.id.id)
    await this.report(planned, problem)
    if (planned.waitingFor.length > 0) return this.retryLater()
    // Work under way may fail and begin again: only its end resets the retries.
    const isUnderWay = report.state === 'working' || ('wiping' in report && report.wiping !== undefined)
    if (isUnderWay && problem === undefined) return { requeueAfterMs: progressMs }
    this.retry.reset()
    return this.resync()
  }

  private async report(planned: Plan<K>, problem: Problem | undefined): Promise<void> {
    this.lastReport = planned.report
    await this.reporter.report(planned, problem)
  }

  private retryLater(): Result {
    return { requeueAfterMs: this.retry.nextMs() }
  }

  private resync(): Result {
    return { requeueAfterMs: msUntilNextResync(this.dependencies.clock) }
  }
}

function freesDevice<K extends DesiredKind>(kind: K, { state }: Report<K>): boolean {
  return (kind === 'brick' && state === 'absent') || (kind === 'adopt' && state === 'done')
}

function withoutFacts<K extends DesiredKind>(entry: DesiredEntry<K>): Report<K> {
  return reportWithoutFacts(entry.document as AnyDesired) as Report<K>
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
