import type { AnyDesired, Desired, DesiredKind } from '../../model/documents/desired.js'
import type { DesiredEntry, DocumentId, ReconcilerDependencies } from './document.js'
import { Reporter } from './reporter.js'
import { msUntilNextResync } from './resync.js'
import { RetryPolicy } from './retryPolicy.js'
import { type Result, Rounds } from './rounds.js'

/*
 * Makes this host as one desired document says.
 *
 *   scheduled   a timer runs: to the next resync, which finds drift, or to a retry; the document's change ends it early
 *   working     rounds run, one after another, as long as one of them or a change requeues the document
 *   stopping    the round under way ends after its step, and is the last one
 *   stopped     the agent ends; or the desired document is gone, its observed one is deleted, and nothing on the host is touched
 *
 * INVARIANT: one round at a time.
 */
type Mode = 'scheduled' | 'working' | 'stopping' | 'stopped'

const enteredFrom: Record<Mode, readonly Mode[]> = {
  scheduled: ['working'],
  working: ['scheduled'],
  stopping: ['working', 'stopping'],
  stopped: ['scheduled', 'working', 'stopping', 'stopped'],
}

/** Rounds in a row that change something before a pause: a plan that never comes to rest must not spin. */
const maxRounds = 8

export class Reconciler<K extends DesiredKind> {
  private mode: Mode = 'scheduled'
  /** Something changed since the last round began: another round follows. */
  private isRequeued = false
  private cancelTimer: () => void = () => {}
  private onStopped: (() => void)[] = []
  private readonly id: DocumentId<K>
  private readonly retry: RetryPolicy
  private readonly reporter: Reporter<K>
  private readonly rounds: Rounds<K>

  constructor(
    private entry: DesiredEntry<K> | undefined,
    { kind, id }: DocumentId<K>,
    private readonly dependencies: ReconcilerDependencies,
    private readonly onGone: () => void,
  ) {
    this.id = { kind, id }
    this.retry = new RetryPolicy(dependencies.random)
    this.reporter = new Reporter(this.id, dependencies, () => hostsSharing(this.entry?.document))
    const isCurrent = (entry: DesiredEntry<K>) => this.isIn('working') && this.entry === entry
    this.rounds = new Rounds(this.id, dependencies, this.reporter, this.retry, isCurrent)
    this.wake()
  }

  /** The document that it works for now, if any. */
  get desired(): Desired[K] | undefined {
    return this.entry?.document
  }

  /** The desired document changed, or is gone. */
  update(entry: DesiredEntry<K> | undefined): void {
    this.entry = entry
    this.retry.reset()
    this.rounds.reset()
    this.wake()
  }

  /** Starts a round now, because something on the host changed. */
  wake(): void {
    this.isRequeued = true
    if (this.isIn('scheduled')) void this.work()
  }

  /** Ends after the step under way. */
  async stop(): Promise<void> {
    if (!this.isIn('working', 'stopping')) return this.enterStopped()
    this.enter('stopping')
    await new Promise<void>((resolve) => this.onStopped.push(resolve))
  }

  private async work(): Promise<void> {
    this.enter('working')
    this.cancelTimer()
    let nextMs = msUntilNextResync(this.dependencies.clock)
    for (let rounds = 0; this.isRequeued && this.isIn('working'); rounds++) {
      this.isRequeued = false
      const result = rounds < maxRounds ? await this.round() : this.retryLater()
      if (result === 'requeue') this.isRequeued = true
      else if (result !== 'gone') nextMs = result.requeueAfterMs
      else if (!this.entry && !this.isRequeued) {
        this.enterStopped()
        return this.onGone()
      }
    }
    if (!this.isIn('working')) return this.enterStopped()
    this.enter('scheduled')
    this.cancelTimer = this.dependencies.clock.after(nextMs, () => this.wake())
  }

  private async round(): Promise<Result | 'gone'> {
    try {
      if (this.entry) return await this.rounds.run(this.entry)
      await this.reporter.remove()
      return 'gone'
    } catch (error) {
      this.dependencies.log.warn('report failed', { ...this.id, reason: String(error) })
      return this.retryLater()
    }
  }

  private retryLater(): Result {
    return { requeueAfterMs: this.retry.nextMs() }
  }

  private isIn(...modes: Mode[]): boolean {
    return modes.includes(this.mode)
  }

  private enter(mode: Mode): void {
    if (!enteredFrom[mode].includes(this.mode)) throw new Error(`a reconciler that is ${this.mode} cannot be ${mode}`)
    this.mode = mode
  }

  private enterStopped(): void {
    this.enter('stopped')
    this.cancelTimer()
    for (const resolve of this.onStopped.splice(0)) resolve()
  }
}

function hostsSharing(document: AnyDesired | undefined): number {
  return document?.kind === 'transfer' ? document.share.of : 1
}
