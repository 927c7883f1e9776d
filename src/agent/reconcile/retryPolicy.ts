import { backoffMs } from '../../daemon/backoff.js'
import type { DesiredKind } from '../../model/documents/desired.js'
import { StoreError } from '../../store/store.js'
import type { Plan } from '../port/plan.js'
import { Busy, Refusal, Unavailable } from '../port/host.js'

const firstRetryMs = 500
const maxRetryMs = 30_000
/**
 * After so many failures to format or wipe a brick its disk counts as write-protected or failed. The scheduler then
 * puts the disk in quarantine, and places a brick that was being created on another one.
 */
const maxFailures = 5
/** Busy is shown as a problem only after so many attempts. */
const quietAttempts = 5

/** Whether and when a document is tried again after a failure. */
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

  /** Milliseconds until the next attempt, with exponential backoff. */
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

/** Only failures on the host itself count, not those of etcd or the data plane. */
function isOfTheDisk<K extends DesiredKind>(error: unknown, kind: K, { report, steps }: Plan<K>): boolean {
  if (error instanceof Busy || error instanceof Unavailable || error instanceof StoreError) return false
  if (kind !== 'brick' || steps.length === 0) return false
  // A disk that is still in use is not a bad disk: steps before the wipe are retried for ever.
  return report.state === 'forming' || steps[0]!.kind === 'wipeBrick'
}
