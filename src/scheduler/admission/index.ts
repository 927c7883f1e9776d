/*
 * May it be? Each function decides one call against the cluster as it stands: pure, for `DecisionStore.commit`. A refusal names
 * its reason for the user; `changes: []` means that it is done already, so every call may be repeated.
 */
export { createPersistent, type PersistentRequest } from './persistent.js'
export { shareBuffer } from './share.js'
export { admitJob, type JobRequest } from './job.js'
export { beginStaging, endJob, type Staged, stagedIn, stagedOut, startJob } from './jobStages.js'
export { cancelTransfers, dropTransfers, retryTransfers, type TransferRequest } from './transferActions.js'
export { destroy } from './destroy.js'
export { teardown, type TearingDown } from './teardown.js'
export { adopt, cordon, type Place, uncordon } from './operators.js'
export type { Admission, AdmissionContext } from './context.js'
