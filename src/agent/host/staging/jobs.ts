import type { TransferCounts } from '../../../model/documents/transferFields.js'
import { Refusal } from '../../port.js'
import type { Tally } from './noteFormats.js'

/** How far the work of a transfer has come on this host. */
export interface Running {
  counts: TransferCounts
  failures: string[]
}

export interface Job {
  key: string
  /** What is done: part and attempt. */
  what: string
  running: Running
  abort: AbortController
  ended: Promise<void>
}

/*
 * Work that takes hours, one job a transfer. It is begun by a step, which does not wait for it; what it has done stands in the
 * work directory, and why it failed is told by the next attempt to begin it.
 */
/** The work under way, by transfer. Nothing of it survives the agent. */
export class Jobs {
  private readonly jobs = new Map<string, Job>()
  private readonly failures = new Map<string, { what: string; error: Error }>()

  constructor(private readonly onEnd: (key: string) => void) {}

  /** The job of that transfer that is under way, if any. */
  get(key: string): Job | undefined {
    return this.jobs.get(key)
  }

  /**
   * Begins it, or does nothing when one is under way. Throws instead what the last one for the same `what` came to:
   * once, or again and again when it was a Refusal.
   */
  begin(key: string, what: string, act: (job: Pick<Job, 'running' | 'abort'>) => Promise<void>): void {
    if (this.jobs.has(key)) return
    const failure = this.failures.get(key)
    if (failure?.what !== what || !(failure.error instanceof Refusal)) this.failures.delete(key)
    if (failure?.what === what) throw failure.error
    const counts = { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0, failed: 0 }
    const begun = { running: { counts, failures: [] } as Running, abort: new AbortController() }
    const end = (error?: Error) => {
      this.jobs.delete(key)
      if (error && !begun.abort.signal.aborted) this.failures.set(key, { what, error })
      this.onEnd(key)
    }
    const ended = act(begun).then(
      () => end(),
      (error: unknown) => end(error instanceof Error ? error : new Error(String(error))),
    )
    this.jobs.set(key, { key, what, ...begun, ended })
  }

  /** Aborts the job, and resolves when it has ended. What had failed before is forgotten. May be repeated. */
  async stop(key: string): Promise<void> {
    this.failures.delete(key)
    const job = this.jobs.get(key)
    job?.abort.abort()
    await job?.ended
  }

  /** The same for all; for the end of the agent. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.jobs.keys()].map((key) => this.stop(key)))
  }
}

/** Notes how far the work is: of the counts and failures, those that are given. */
export function show(running: Running, { files, bytes, failed, failures }: Partial<Tally>): void {
  const { counts } = running
  running.counts = {
    ...counts,
    files: files ?? counts.files,
    bytes: bytes ?? counts.bytes,
    failed: failed ?? counts.failed,
  }
  if (failures) running.failures = [...failures]
}
