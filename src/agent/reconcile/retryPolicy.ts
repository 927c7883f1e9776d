import { backoffMs } from '../../daemon/backoff.js'
import type { DesiredKind } from '../../model/documents/desired.js'
import { StoreError } from '../../store/store.js'
import type { Plan } from '../port/plan.js'
import { Busy, Refusal, Unavailable } from '../port/host.js'

const firstRetryMs = 500
const maxRetryMs = 30_000
/**
 * A brick that could not be formed or wiped so often will not be: its disk is write-protected or fails. The scheduler is told
 * so, puts the disk in quarantine, and takes another for one that was to be formed.
 */
const maxFailures = 5
/** Busy is no problem to show until it has lasted for so many attempts. */
const quietAttempts = 5

/** When a document that was not brought about is tried again, and whether at all. */
export class RetryPolicy {
  private attempt = 0
  /** Steps that failed on the host itself since the document changed or the plan came to rest. */
  private failures = 0

  constructor(private readonly random?: () => number) {}

  /** The document changed, or is as desired. */
  reset(): void {
    this.attempt = 0
    this.failures = 0
  }

  /** Milliseconds until the next attempt: soon, then less and less often. */
  nextMs(): number {
    return backoffMs(this.attempt++, firstRetryMs, maxRetryMs, this.random)
  }

  isWorthShowing(error: unknown): boolean {
    return !(error instanceof Busy && this.attempt < quietAttempts)
  }

  /** Counts the failure. True when it is not tried again until the document or the host changes. */
  isTerminal<K extends DesiredKind>(error: unknown, kind: K, planned: Plan<K>): boolean {
    if (error instanceof Refusal) return true
    if (!isOfTheDisk(error, kind, planned)) return false
    return ++this.failures > maxFailures
  }
}

/** Only what failed on the host itself counts: not that etcd or the data plane was away. */
function isOfTheDisk<K extends DesiredKind>(error: unknown, kind: K, { report, steps }: Plan<K>): boolean {
  if (error instanceof Busy || error instanceof Unavailable || error instanceof StoreError) return false
  if (kind !== 'brick' || steps.length === 0) return false
  // One that is in use still is no bad disk: what stands before the wipe is tried for ever.
  return report.state === 'forming' || steps[0]!.kind === 'wipeBrick'
}
