import type { Problem } from '../../model/documents/common.js'
import type { DesiredKind } from '../../model/documents/desired.js'
import type { Observed } from '../../model/documents/observed.js'
import { clipped } from '../../model/fields.js'
import { toLevel } from '../../model/levels.js'
import { keys } from '../../store/keys.js'
import { OwnedKey } from '../../store/owned.js'
import type { Plan } from '../port/plan.js'
import type { DocumentId, ReconcilerDependencies } from './document.js'
import { isWorthReporting, progressOf, told, type LastReport } from './progress.js'

/** Limit for the reasons to wait in a report. */
const maxWaitedFor = 100

/** Writes the observed document of one desired document, when it has changed. */
export class Reporter<K extends DesiredKind> {
  private readonly key: OwnedKey
  /** What was written last; undefined while that is unknown, and before the first time. */
  private written: { text: string; state: string } | undefined
  /** The progress of a transfer or a wipe that was reported last. */
  private told: LastReport | undefined

  constructor(
    private readonly id: DocumentId<K>,
    private readonly dependencies: ReconcilerDependencies,
    /** How many hosts share the work, and the reports on its progress. */
    private readonly hosts: () => number = () => 1,
  ) {
    const { store, host } = dependencies
    this.key = new OwnedKey(store, keys.observed(host.name, id.kind, id.id), { isFresh: true })
  }

  get writtenState(): string | undefined {
    return this.written?.state
  }

  async report(planned: Plan<K>, problem: Problem | undefined): Promise<void> {
    const document = this.documentOf(planned, problem)
    const text = JSON.stringify(document)
    if (text === this.written?.text || !this.isNews(document)) return
    // Until the answer comes, and if it never comes, either version may be in etcd.
    this.written = undefined
    await this.key.put(document)
    this.written = { text, state: document.state }
    this.noteTold(document)
    this.dependencies.log.info('reported', {
      kind: this.id.kind,
      id: this.id.id,
      state: planned.report.state,
      ...(problem ? { problem } : {}),
      waitingFor: planned.waitingFor,
    })
  }

  async remove(): Promise<void> {
    await this.key.delete()
    this.written = undefined
  }

  private documentOf(planned: Plan<K>, problem: Problem | undefined): Observed[K] {
    const { host, level } = this.dependencies
    const { kind } = this.id
    const whole = {
      v: 1,
      ...planned.report,
      waitingFor: planned.waitingFor.slice(0, maxWaitedFor).map(clipped),
      ...(problem ? { problem: { ...problem, message: clipped(problem.message) } } : {}),
      ...(kind === 'brick' && host.boot !== undefined ? { boot: host.boot } : {}),
    } as Observed[K]
    return toLevel(whole, `observed/${kind}`, level())
  }

  private isNews(document: Observed[K]): boolean {
    const progress = progressOf(document)
    if (!progress || this.written === undefined) return true
    return isWorthReporting(progress, this.dependencies.clock.monotonicMs(), this.told, this.hosts())
  }

  private noteTold(document: Observed[K]): void {
    const progress = progressOf(document)
    this.told = progress && told(progress, this.told, this.dependencies.clock.monotonicMs())
  }
}
