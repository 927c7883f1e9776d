import { noAnswer, outOfSpace, permissionDenied, refusedByEtcd } from './messages.js'
import { Denied, LeaseGone, OutOfSpace, StoreError, StoreUnavailable } from './store.js'

export type Failure =
  /** Another endpoint, or the same one later, may answer; it is not known whether a write was done. */
  | { kind: 'unreachable'; error: StoreUnavailable }
  /** The same, and the connection itself is gone, or could not be made. */
  | { kind: 'disconnected'; error: StoreUnavailable }
  | { kind: 'refused'; error: StoreError }

/** Classifies an error of gRPC by its text; unknown errors count as unreachable. etcd's own messages begin with `etcdserver:`. */
export function classify(cause: unknown): Failure {
  if (cause instanceof StoreUnavailable) return { kind: 'unreachable', error: cause }
  if (cause instanceof StoreError) return { kind: 'refused', error: cause }
  const message = cause instanceof Error ? cause.message : String(cause)
  if (/database space exceeded|NOSPACE/i.test(message)) {
    return {
      kind: 'refused',
      error: new OutOfSpace(outOfSpace(), { cause }),
    }
  }
  if (/permission denied|invalid auth token|authentication (failed|is not enabled)|user name is empty/i.test(message)) {
    return { kind: 'refused', error: new Denied(permissionDenied(message), { cause }) }
  }
  if (/lease not found/i.test(message)) {
    return { kind: 'refused', error: new LeaseGone(refusedByEtcd(message), { cause }) }
  }
  if (
    /request is too large|too many operations|invalid argument|INVALID_ARGUMENT|duplicate key|NOT_FOUND|compacted|RESOURCE_EXHAUSTED.*larger than max/i.test(
      message,
    )
  ) {
    return { kind: 'refused', error: new StoreError(refusedByEtcd(message), { cause }) }
  }
  const isConnectionGone = /^14 UNAVAILABLE/.test(message) && !message.includes('etcdserver:')
  return {
    kind: isConnectionGone ? 'disconnected' : 'unreachable',
    error: new StoreUnavailable(noAnswer(message), { cause }),
  }
}
