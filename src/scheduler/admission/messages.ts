import { printSize } from '../../model/capacity.js'
import type { MountView } from '../../model/documents/mount.js'
import type { SessionTransfer } from '../../model/documents/session.js'
import { quote } from '../../model/names.js'
import { nameOf } from '../../model/transfers.js'

/*
 * What is said to users and operators whose request is refused. Tests compare with these functions, so that a wording is changed
 * here alone. `what` is "job 5" or "persistent buffer "mytest"".
 */

// Persistent buffers
export const noPersistentBuffer = (name: string) => `there is no persistent buffer ${quote(name)}`
export const ownedByAnother = (what: string) => `${what} belongs to another user`
export const isBeingDestroyed = (name: string) => `persistent buffer ${quote(name)} is being destroyed`
export const hasFailed = (name: string, failure: string) => `persistent buffer ${quote(name)} failed: ${failure}`
export const capacityMissing = () => 'a persistent buffer needs a capacity, for example capacity=3TB'
export const dotNotSupported = (host: string) =>
  `host ${host} runs a release that does not support "." in the name of a buffer: choose another name, or upgrade its agent`

// What stands already
export const takenByAnother = (what: string) => `${what} already exists and belongs to another user`
export const differs = (what: string) => `${what} was already set up with a different request`
export const transfersDiffer = (what: string) => `${what} was already set up with different stage directives`
export const usesDiffer = (what: string, uses: string[]) =>
  `${what} was already set up with other persistent buffers: ${uses.join(', ') || 'none'}`
export const poolDiffers = (what: string, pool: string) => `${what} already exists in pool ${pool}`
export const sizeDiffers = (what: string, bytes: number, askedBytes: number) =>
  `${what} already exists with ${printSize(bytes)}, but ${printSize(askedBytes)} was requested`
export const swapDiffers = (what: string) => `${what} already exists with a different size of swap`
export const accessDiffers = (what: string, access: readonly string[]) =>
  `${what} already exists with access mode ${access.join(',')}`
export const unreadable = (key: string) =>
  `the document ${key} in etcd cannot be read: an operator must repair or delete it`

// Size and place
export const bufferTooLarge = (pool: string, maxBytes: number, askedBytes: number) =>
  `a buffer of pool ${pool} can have at most ${printSize(maxBytes)}, but ${printSize(askedBytes)} was requested`

// Jobs
/** Slurm knows this phrase, and takes it that there is nothing to do. */
export const noSession = (token: string) => `No matching session: ${quote(token)}`
export const noJob = (token: string) => `there is no job ${quote(token)}`
export const invalidJobId = (token: string) => `${quote(token)} is not a valid job id`
export const transfersTooLong = (token: string) =>
  `the stage directives of job ${token} are too many or too long: write the paths to a file, and stage it with type=list`
export const rootMayNotStage = () => 'root may not stage files: submit the job as another user'
export const runsElsewhere = (token: string, hosts: string[]) =>
  `job ${token} is already running on ${hosts.join(', ')}: post_run must be called first`
export const wasTornDown = () => 'it was torn down'
export const noLongerRunning = (token: string) => `job ${token} is no longer running`
export const hasEnded = (token: string) => `job ${token} has already ended`
export const notStagedIn = (transfer: SessionTransfer, token: string) =>
  `${nameOf(transfer)} of job ${token} is not done: data_in must be called first`
export const noComputeNodes = (token: string) =>
  `job ${token} has buffers to mount, but no compute nodes were named for it`
export const bufferIsGone = (name: string) => `buffer ${quote(name)} no longer exists`
export const bufferNotReady = (name: string) => `buffer ${quote(name)} is not ready yet`
export const noComputeAgent = (hosts: string[]) =>
  `no agent with the role compute is running on ${hosts.join(', ')}: start the agent there, or drain the node in Slurm`
export const nodeCutOff = (node: string, buffer: string, token: string, path: string) =>
  `node ${node} could not unmount ${quote(buffer)} after job ${token} and was disconnected from it: stop the processes that use ${path} on that node, or restart it`
export const agentTooOld = (hosts: string[]) =>
  `the agent on ${hosts.join(', ')} is too old to share mounts of persistent buffers: upgrade it`
export const cutOff = (buffer: string, token: string, why: string) =>
  `it is disconnected from ${buffer} of job ${token}: ${why}`
export const couldNotUnmount = (path: string) => `it could not unmount ${path}`
/** A job whose data would be lost is not torn down. */
export const dataKept = (token: string, transfer: SessionTransfer) =>
  `${nameOf(transfer)} of job ${token} ${transfer.ended?.reason === undefined ? 'has not finished' : `failed: ${transfer.ended.reason}`}. ` +
  `The buffer is kept: "bbctl transfer retry ${token}" copies the rest, "bbctl transfer drop ${token}" discards the data`

// What a call waits for, as in "waits for the agent on c1 to answer"
export const unknownFailure = (buffer: string) => `buffer ${buffer} has failed, but its reason is unknown`
export const agentToAnswer = (host: string) => `the agent on ${host} to answer`
const purposeOf = { striped: '', private: ' for private access', swap: ' for swap' }
export const hostToMount = (host: string, buffer: string, view: MountView) =>
  `host ${host} to mount ${buffer}${purposeOf[view]}`
export const cannotMount = (host: string, buffer: string, view: MountView, why: string) =>
  `host ${host} cannot mount ${buffer}${purposeOf[view]}: ${why}`
/** `detail` is what the volume waits for itself. */
export const accessToVolume = (volume: string, host: string, detail: string) =>
  `it waits until volume ${volume} allows access from ${host}${detail === '' ? '' : `: ${detail}`}`
export const hostToSwap = (host: string, buffer: string) => `host ${host} to turn on swap on ${buffer}`
export const cannotSwap = (host: string, buffer: string, why: string) =>
  `host ${host} cannot turn on swap on ${buffer}: ${why}`
export const hostToStopCopying = (host: string) => `host ${host} to stop copying`
export const hostToWipe = (host: string, device: string) => `host ${host} to wipe ${device}`
export const transfersToBegin = () => 'its transfers to begin'
export const transferFailed = (transfer: string, why = 'the reason is unknown') => `${transfer} failed: ${why}`
export const filesCopied = (files: number, totalFiles: number) => `${files} of ${totalFiles} files are copied`

// Transfers
export const nothingCopied = (token: string) => `job ${token} is not copying anything at the moment`
export const isTornDown = (token: string) => `job ${token} is being torn down`
export const noFailedTransfer = (token: string) => `job ${token} has no failed transfer`
export const stillRunning = (token: string) => `job ${token} is still running: its stage-out has not begun`
export const noStageOut = (token: string) => `job ${token} has no stage-out that could be dropped`
export const cancelledBy = (who: string) => `cancelled by ${who}`
export const droppedBy = (who: string) => `dropped by ${who}`

// Hosts and devices; `place` is "gluster1/nvme1n1", or a host alone
export const noHost = (host: string, known: string[]) =>
  `there is no host ${quote(host)}; known hosts: ${known.join(', ') || 'none'}`
export const noDevice = (host: string, device: string, known: string[]) =>
  `host ${host} has no device ${quote(device)}; its devices: ${known.join(', ') || 'none'}`
export const deviceIgnored = (place: string, host: string) =>
  `${place} is ignored, because storageHosts in scheduler.yaml does not list ${host}`
export const noAgent = (host: string) => `no agent is running on host ${host}`
export const deviceInUse = (place: string) => `${place} belongs to a buffer`
export const deviceBlank = (place: string) => `${place} is blank and need not be adopted`
export const sameDisk = (place: string, other: string, identity: string) =>
  `${place} is the same disk as ${other}: both have the identity ${identity}`
export const deviceUnusable = (place: string, why = 'its agent refuses it') => `${place} cannot be used: ${why}`
export const stillFailing = (place: string, why: string) =>
  `${place} would be quarantined again at once, because its former brick cannot be wiped: ${why}. ` +
  'The agent looks again every minute; ten minutes after the quarantine began the brick is forgotten, and the device can be uncordoned'
