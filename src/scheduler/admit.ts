/*
 * May it be? Each function decides one call against the cluster as it stands: pure, for `Core.commit`. A refusal names
 * its reason for the user; `changes: []` means that it is done already, so every call may be repeated.
 */
export { createPersistent, type PersistentRequest } from './admit/persistent.js'
export { shareBuffer } from './admit/share.js'
export { setupJob, type JobRequest } from './admit/job.js'
export { beginStaging, endJob, type Staged, stagedIn, stagedOut, startJob } from './admit/stages.js'
export { cancelTransfers, dropTransfers, retryTransfers, type TransferRequest } from './admit/transfers.js'
export { destroy } from './admit/destroy.js'
export { teardown, type TearingDown, whyKept } from './admit/teardown.js'
export { adopt, cordon, type Place, uncordon } from './admit/operators.js'
export type { Admission, Means } from './admit/means.js'
