import type { TransferCounts } from '../../../model/documents/transferFields.js'
import { Refusal } from '../../port/host.js'
import type { Tally } from './noteFormats.js'

/** How far the work of a transfer has come on this host. */
export interface Running {
  counts: TransferCounts
  failures: string[]
}

export interface Job {
  key: string
  /** Part and attempt. */
  what: string
  running: Running
  abort: AbortController
  ended: Promise<void>
}

/*
 * Work that takes hours, one job for each transfer. A step begins it and does not wait for it. What it has done is
 * noted in the work directory; why it failed is thrown by the next call that begins it.
 */
/** The work under way, by transfer. It ends with the agent. */
export class Jobs {
  private readonly jobs = new Map<string, Job>()
  private readonly failures = new Map<string, { what: string; error: Error }>()

  constructor(private readonly onEnd: (key: string) => void) {}

  /** The job of that transfer that is under way, if any. */
  get(key: string): Job | undefined {
    return this.jobs.get(key)
  }

  /**
   * Begins the job, or does nothing when one is under way. If the last job for the same `what` failed, throws its error
   * instead: once, or every time when the error is a Refusal.
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

  /** Aborts the job, and resolves when it has ended. Forgets earlier failures. May be repeated. */
  async stop(key: string): Promise<void> {
    this.failures.delete(key)
    const job = this.jobs.get(key)
    job?.abort.abort()
    await job?.ended
  }

  /** The same for all jobs; for the end of the agent. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.jobs.keys()].map((key) => this.stop(key)))
  }
}

/** Updates those counts and failures that are given. */
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
