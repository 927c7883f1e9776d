import { LeaseGone, OutcomeUnknown, OutOfSpace, StoreError, StoreUnavailable } from '../../store/store.js'

/** True when etcd refuses this very write. Other errors do not depend on one write: they pass, or affect all writes. */
export function isRefusal(error: unknown): error is StoreError {
  const others = [StoreUnavailable, OutcomeUnknown, OutOfSpace, LeaseGone]
  return error instanceof StoreError && others.every((other) => !(error instanceof other))
}
