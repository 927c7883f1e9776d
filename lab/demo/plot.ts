import type { Result } from '../common/interface.js'

/** What one act leaves to the next. */
export interface Plot {
  /** The job with a buffer of its own, while it runs: its id, the compute node that it runs on, and its end. */
  job?: { id: string; node: string; end: Promise<Result> }
}
