import type PQueue from 'p-queue'
import { backoffMs } from '../daemon/backoff.js'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import type { Problem } from '../model/documents/common.js'
import type { AnyDesired, Desired, DesiredKind } from '../model/documents/desired.js'
import type { Role } from '../model/documents/host.js'
import type { Observed } from '../model/documents/observed.js'
import { clipped } from '../model/fields.js'
import { inForm } from '../model/levels.js'
import { keys } from '../store/keys.js'
import { OwnedKey } from '../store/owned.js'
import { type Store, StoreError } from '../store/store.js'
import { BrickMarked, Busy, type Facts, type Host, Refusal, Unavailable } from './port.js'
import type { OneByOne } from './oneByOne.js'
import { isWantedElsewhere } from './sharedMounts.js'
import { plan } from './plan/index.js'
import type { Plan } from './plan/plan.js'
import { isWorthTelling, progressOf, told, type Told } from './progress.js'
import { untilNextRound } from './resync.js'
import { describeStep, isDestructive, type Step, type StepArgs, type StepKind } from './steps.js'

/*
 * One desired document, brought about on this host.
 *
 *   resting    as desired; looked at again when the document changes and once a minute, for drift
 *   working    a round runs: observe, plan, execute; then another, until a plan has no steps
 *   waiting    something outside has to happen, or a step failed: looked at again soon, then less and less often
 *   leaving    the desired document is gone: the observed one is deleted, and nothing on the host is touched
 *
 * INVARIANTS: one round at a time; before the first step and before each destructive one the document is read again,
 * linearizably, and must be the very one that was planned with: an agent that is cut off from etcd must not bring back what
 * the others were told to take away. What is reported was observed after the last step.
 */
export interface ReconcilerDependencies {
  host: Host
  roles: readonly Role[]
  store: Store
  clock: Clock
  log: Log
  /** Looks at the devices anew and writes the inventory: before a device is reported to be free. */
  refreshInventory(): Promise<void>
  /** Of documents that the leader reads. */
  level: () => number
  /** How many steps of a kind may run at once on this host. */
  limits: Record<DesiredKind, PQueue>
  /** What mounts at one path do one after the other. */
  oneByOne: OneByOne
  random?: () => number
}

export interface DesiredEntry<K extends DesiredKind = DesiredKind> {
  id: string
  kind: K
  document: Desired[K]
  modRevision: number
}

/** Reasons to wait that are told: nobody reads more. */
const mostWaitedFor = 100
const firstRetryMs = 500
const mostRetryMs = 30_000
/**
 * A brick that could not be formed or wiped so often will not be: its disk is write-protected or fails. The scheduler is told
 * so, puts the disk in quarantine, and takes another for one that was to be formed.
 */
const mostTries = 5
/** Rounds in a row that change something before a pause: a plan that never comes to rest must not spin. */
const mostRounds = 8
/** How often the progress of what takes hours is looked at, and told. */
const progressMs = 1_000

const roleOf: Record<DesiredKind, Role> = {
  brick: 'storage',
  volume: 'storage',
  peer: 'storage',
  adopt: 'storage',
  transfer: 'storage',
  mount: 'compute',
  swap: 'compute',
}

export class Reconciler<K extends DesiredKind> {
  private running = false
  private again = false
  private stopped = false
  private attempt = 0
  /** Steps that failed on the host itself since the document changed or the plan came to rest. */
  private failures = 0
  private cancelTimer: () => void = () => {}
  private written: string | undefined
  /** How things stood when the host could last be looked at. */
  private last: Plan<K>['report'] | undefined
  private readonly observed: OwnedKey
  /** The progress of a transfer or a wipe that was reported last. */
  private told: Told | undefined
  private idle: (() => void)[] = []

  constructor(
    private entry: DesiredEntry<K> | undefined,
    private readonly id: { kind: K; id: string },
    private readonly dependencies: ReconcilerDependencies,
    private readonly onGone: () => void,
  ) {
    const { store, host } = dependencies
    this.observed = new OwnedKey(store, keys.observed(host.name, id.kind, id.id), { isFresh: true })
    this.wake()
  }

  /** The desired document changed, or is gone. */
  update(entry: DesiredEntry<K> | undefined): void {
    this.entry = entry
    this.last = undefined
    this.attempt = 0
    this.failures = 0
    this.wake()
  }

  /** Looks again now: something on the host changed. */
  wake(): void {
    this.again = true
    if (!this.running && !this.stopped) void this.run()
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    this.stopped = true
    this.cancelTimer()
    if (this.running) await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  private async run(): Promise<void> {
    this.running = true
    this.cancelTimer()
    let nextMs = this.restMs()
    for (let rounds = 0; this.again && !this.stopped; rounds++) {
      this.again = false
      if (rounds >= mostRounds) {
        nextMs = this.retryMs()
        break
      }
      nextMs = await this.round()
    }
    this.running = false
    for (const resolve of this.idle.splice(0)) resolve()
    if (this.stopped) return
    if (this.again) return void this.run()
    this.cancelTimer = this.dependencies.clock.after(nextMs, () => this.wake())
  }

  /** One round; the milliseconds until the next one, if nothing wakes it before. */
  private async round(): Promise<number> {
    const { entry } = this
    try {
      if (!entry) return await this.leave()
      if (!this.dependencies.roles.includes(roleOf[entry.kind])) {
        const problem = {
          message: `host ${this.dependencies.host.name} has not the role ${roleOf[entry.kind]}`,
          terminal: true,
        }
        return await this.settle(
          entry,
          { steps: [], waitingFor: [], report: await this.reportUnserved(entry) },
          problem,
        )
      }
      return await this.reconcileOneByOne(entry)
    } catch (error) {
      // Only the store throws here: the report waits, the host is left as it is.
      this.dependencies.log.warn('report failed', { ...this.fields(), reason: String(error) })
      return this.retryMs()
    }
  }

  private async reconcileOneByOne(entry: DesiredEntry<K>): Promise<number> {
    const document = entry.document as AnyDesired
    if (document.kind !== 'mount') return this.reconcile(entry)
    return this.dependencies.oneByOne(document.path, () => {
      if (this.entry === entry && !this.stopped) return this.reconcile(entry)
      this.again = true
      return Promise.resolve(this.restMs())
    })
  }

  private look(entry: DesiredEntry<K>): Promise<Facts[K]> {
    const { host, store } = this.dependencies
    const looking = host.observe[entry.kind](entry.document)
    const document = entry.document as AnyDesired
    if (document.kind !== 'mount' || document.wanted === 'present') return looking
    return looking.then(async (facts) => ({
      ...facts,
      isWantedElsewhere: await isWantedElsewhere(store, host.name, document),
    }))
  }

  private async reconcile(entry: DesiredEntry<K>): Promise<number> {
    const { log } = this.dependencies
    let planned: Plan<K>
    try {
      const facts = await this.look(entry)
      planned = plan[entry.kind](entry.document, facts)
    } catch (error) {
      log.warn('observation failed', { ...this.fields(), reason: message(error) })
      const seen = this.last ?? (await this.reportUnserved(entry))
      return await this.fail({ steps: [], waitingFor: [], report: seen }, error)
    }
    if (planned.steps.length === 0) {
      const problem = planned.refused === undefined ? undefined : { message: planned.refused, terminal: true }
      return await this.settle(entry, planned, problem)
    }
    // Steps may help at once, or not at all: a plan that waits beside them is told, and given time.
    const isWaiting = planned.waitingFor.length > 0
    if (isWaiting) await this.report(planned, undefined)
    try {
      if (!(await this.executeAndTell(entry, planned))) return this.restMs()
      if (isWaiting) return this.retryMs()
      this.again = true
      return this.restMs()
    } catch (error) {
      return await this.fail(planned, error)
    }
  }

  /** That the work has begun is told beside the first steps, which need not wait for it, and is told before anything else is. */
  private async executeAndTell(entry: DesiredEntry<K>, planned: Plan<K>): Promise<boolean> {
    const told = this.written === undefined ? this.report(planned, undefined) : Promise.resolve()
    const [done, telling] = await Promise.allSettled([this.execute(entry, planned.steps), told])
    if (done.status === 'rejected') throw done.reason
    if (telling.status === 'rejected') throw telling.reason
    return done.value
  }

  /** False when the desired document changed meanwhile: the rest of the plan is void. */
  private async execute(entry: DesiredEntry<K>, steps: Step[]): Promise<boolean> {
    const { host, log, clock, limits } = this.dependencies
    for (const step of steps) {
      // guard: read-again
      const asksAgain = step === steps[0] || isDestructive[step.kind]
      let start = clock.monotonicMs()
      // Asked when its turn has come: a step may have waited for many others of this host.
      const done = await limits[entry.kind].add(async () => {
        if (this.stopped || this.entry !== entry || (asksAgain && !(await this.mayStill(entry, step)))) return false
        start = clock.monotonicMs()
        await run(host, step)
        return true
      })
      if (!done) {
        this.again = true
        return false
      }
      log.info('step done', { ...this.fields(), step: describeStep(step), ms: Math.round(clock.monotonicMs() - start) })
    }
    return true
  }

  private async mayStill(entry: DesiredEntry<K>, step: Step): Promise<boolean> {
    const { store, host } = this.dependencies
    const takesAway = 'mount' in step && step.mount.wanted === 'absent'
    if (takesAway && (await isWantedElsewhere(store, host.name, step.mount))) return false
    return this.isStillDesired(entry)
  }

  private async isStillDesired(entry: DesiredEntry<K>): Promise<boolean> {
    const { store, host } = this.dependencies
    const now = await store.get(keys.desired(host.name, entry.kind, entry.id))
    // guard: same-document
    return now?.modRevision === entry.modRevision
  }

  private async fail(planned: Plan<K>, error: unknown): Promise<number> {
    if (!(error instanceof Busy)) {
      this.dependencies.log.warn('step failed', { ...this.fields(), reason: message(error) })
    }
    const terminal = error instanceof Refusal || this.hasTriedEnough(planned, error)
    // Busy is no problem to show until it has lasted.
    if (!(error instanceof Busy && this.attempt < 5)) {
      const fresh = error instanceof BrickMarked ? { needsFreshDirectories: true } : {}
      await this.report({ ...planned, report: { ...planned.report, ...fresh } }, { message: message(error), terminal })
    }
    return terminal ? this.restMs() : this.retryMs()
  }

  /** Only what failed on the host itself counts: not that etcd or gluster was away. */
  private hasTriedEnough({ report, steps }: Plan<K>, error: unknown): boolean {
    if (error instanceof Busy || error instanceof Unavailable || error instanceof StoreError) return false
    if (this.id.kind !== 'brick' || steps.length === 0) return false
    // One that is in use still is no bad disk: what stands before the wipe is tried for ever.
    if (report.state !== 'forming' && steps[0]!.kind !== 'wipeBrick') return false
    return ++this.failures > mostTries
  }

  private async settle(entry: DesiredEntry<K>, planned: Plan<K>, problem: Problem | undefined): Promise<number> {
    const { report } = planned
    if ((report.state === 'absent' && entry.kind === 'brick') || (report.state === 'done' && entry.kind === 'adopt')) {
      // The scheduler gives the device away when it reads this: the inventory must say blank before.
      if (this.written === undefined || !this.written.includes(`"state":"${report.state}"`)) {
        await this.dependencies.refreshInventory()
      }
    }
    await this.report(planned, problem)
    if (planned.waitingFor.length > 0) return this.retryMs()
    // Work that was begun may have failed before: only its end tells that it came about.
    const isUnderWay = report.state === 'working' || ('wiping' in report && report.wiping !== undefined)
    if (isUnderWay && problem === undefined) return progressMs
    this.attempt = 0
    this.failures = 0
    return this.restMs()
  }

  private async report(planned: Plan<K>, problem: Problem | undefined): Promise<void> {
    this.last = planned.report
    const { boot } = this.dependencies.host
    const whole = {
      v: 1,
      ...planned.report,
      waitingFor: planned.waitingFor.slice(0, mostWaitedFor).map(clipped),
      ...(problem ? { problem: { ...problem, message: clipped(problem.message) } } : {}),
      ...(this.id.kind === 'brick' && boot !== undefined ? { boot } : {}),
    } as Observed[K]
    const document = inForm(whole, `observed/${this.id.kind}`, this.dependencies.level())
    const text = JSON.stringify(document)
    if (text === this.written || !this.isNews(document)) return
    // While the answer is out, and when it never comes, either of the two may stand in etcd.
    this.written = undefined
    await this.observed.put(document)
    this.written = text
    this.noteTold(document)
    this.dependencies.log.info('reported', {
      ...this.fields(),
      state: planned.report.state,
      ...(problem ? { problem } : {}),
      waitingFor: planned.waitingFor,
    })
  }

  private isNews(document: Observed[K]): boolean {
    const progress = progressOf(document)
    if (!progress || this.written === undefined) return true
    return isWorthTelling(progress, this.dependencies.clock.monotonicMs(), this.told)
  }

  private noteTold(document: Observed[K]): void {
    const report = progressOf(document)
    this.told = report && told(report, this.told, this.dependencies.clock.monotonicMs())
  }

  private async leave(): Promise<number> {
    await this.observed.delete()
    this.written = undefined
    if (!this.entry && !this.again) {
      this.stopped = true
      this.onGone()
    }
    return this.restMs()
  }

  private reportUnserved(entry: DesiredEntry<K>): Promise<Plan<K>['report']> {
    // The planners derive a report from facts; without the role there are none to ask for.
    const document = entry.document as AnyDesired
    const state = 'forming'
    const reports = {
      brick: () => document.kind === 'brick' && { uuid: document.uuid, directory: document.directory, state },
      volume: () => document.kind === 'volume' && { bufferId: document.buffer.id, state, offline: [] },
      mount: () => ({ state }),
      swap: () => ({ state }),
      peer: () => ({ state }),
      adopt: () => ({ state }),
      transfer: () =>
        document.kind === 'transfer' && {
          attempt: document.attempt,
          part: document.part,
          state: 'working',
          counts: { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0, failed: 0 },
          failures: [],
        },
    }
    return Promise.resolve(reports[entry.kind]() as unknown as Plan<K>['report'])
  }

  private retryMs(): number {
    return backoffMs(this.attempt++, firstRetryMs, mostRetryMs, this.dependencies.random)
  }

  private restMs(): number {
    return untilNextRound(this.dependencies.clock)
  }

  private fields(): object {
    return { kind: this.id.kind, id: this.id.id }
  }
}

async function run<S extends StepKind>(host: Host, step: Step & { kind: S }): Promise<void> {
  await host.effects[step.kind](step as unknown as StepArgs[S])
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
