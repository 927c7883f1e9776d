import { printRounded, printSize } from '../../model/capacity.js'
import { quote } from '../../model/names.js'
import { outOfSpace } from '../../store/messages.js'

/*
 * What operators are told: refusals of their calls, the problems of `bbctl status`, the answers of `bbctl explain`, and what
 * `bbctl check` finds. Tests compare with these functions, so that a wording is changed here alone. `place` is "gluster1/nvme1n1".
 */

// Calls
export const noBuffer = (name: string) => `there is no buffer ${quote(name)}`
export const stillWiping = (place: string) => `${place} is still being wiped`
export const invalidRequest = (why: string) => `the request is not valid: ${why}`
export const etcdFailed = (why: string) => `etcd: ${why}`
export const repairOnLeader = () => 'this scheduler is a standby: repair on the leader'
export const tooManyWatches = (max: number) => `there are already ${max} watches: end one of them`

// Backup and restore; `key` is a key of etcd, `what` as in "the buffer mytest"
export const backupUnreadable = (key: string) => `the key ${key} in etcd cannot be read: repair or delete it first`
export const restoreUnreadable = (key: string) =>
  `etcd contains ${key}, which cannot be read: restore into an empty etcd`
export const restoreNotEmpty = (what: string) =>
  `etcd contains ${what}, which is not in the file: restore into an empty etcd`

// bbctl explain
export const setupWaitsForRoom = (bytes: number, pool: string, ahead: number) =>
  `its setup waits until ${printSize(bytes)} of pool ${pool} are free: ` +
  (ahead === 0 ? 'it is the first in the queue' : `${ahead} ${ahead === 1 ? 'request is' : 'requests are'} ahead of it`)
export const stageFailed = (stage: string, reason: string) => `it is at the stage ${stage}, which failed: ${reason}`
export const stageWaits = (stage: string, waitingFor: string[]) =>
  `it is at the stage ${stage}, and waits for ${waitingFor.join('; ') || 'nothing more'}`
export const stageDone = (stage: string) =>
  `it is at the stage ${stage}, and waits for nothing here: the next step is Slurm's`
export const bufferIs = (phase: string, why: string[]) =>
  `its buffer is ${phase}${why.length > 0 ? `: ${why.join('; ')}` : ''}`

// etcd
export const etcdWithoutTls = (endpoints: string[]) =>
  `etcd is used without TLS (${endpoints.join(', ')}): anybody on the network can read and change everything`
interface Sizes {
  sizeBytes: number
  quotaBytes: number
  inUseBytes: number
}
const figures = ({ sizeBytes, quotaBytes, inUseBytes }: Sizes) =>
  `${printRounded(sizeBytes)} of ${printRounded(quotaBytes)}, ${printRounded(inUseBytes)} of them in use`
export const etcdIsFull = (sizes: Sizes) => `${outOfSpace()} (${figures(sizes)})`
export const etcdNeedsDefrag = (sizes: Sizes) =>
  `etcd's database is filling up (${figures(sizes)}): run etcdctl defrag on each member`
export const etcdFillsUp = (sizes: Sizes) =>
  `etcd's database is filling up (${figures(sizes)}): find out what else writes there`

// Hosts, devices and buffers
export const hostIsLost = (host: string) => `host ${host} is lost: its agent does not answer`
export const ofHost = (host: string, problem: string) => `host ${host}: ${problem}`
export const levelsDiffer = (theirs: string | undefined, ours: string) =>
  `it knows documents of levels ${theirs}, this scheduler of ${ours}: upgrade the older one`
export const invalidAddresses = (addresses: string[]) =>
  `addresses that are neither a host name nor an IP address are ignored: ${addresses.map(quote).join(', ')}`
export const cordonedBy = (who: string, why: string) => `cordoned by ${who}: ${why}`
export const quarantined = (why: string) => `quarantine: ${why}`
export const inQuarantine = (place: string, why: string) => `${place} is in quarantine: ${why}`
export const deviceIs = (place: string, availability: string, reason = 'no reason given') =>
  `device ${place} is ${availability}: ${reason}`
export const unknownPool = (pool: string) => `the scheduler's configuration has no pool ${pool}`
export const sameDisk = (others: string, identity: string) => `the same disk as ${others}: both are ${identity}`
export const takenAndShared = (place: string, others: string) =>
  `device ${place} belongs to a buffer, but is the same disk as ${others}`
export const deviceTooSmall = (bytes: number, granularityBytes: number) =>
  `it has ${bytes} bytes, but the pool's granularity is ${granularityBytes}`
export const spareReady = () => 'a spare: formatted and mounted ahead'
const because = (problem: string | undefined) => (problem === undefined ? '' : `: ${problem}`)
export const spareMaking = (problem?: string) => `a spare that is being made${because(problem)}`
export const spareLeaving = (problem?: string) => `a spare that is being given back${because(problem)}`
export const unclaimedBrick = (uuid: string) => `it contains the brick ${uuid}, which belongs to no buffer`
export const bufferProblem = (name: string, phase: string, why: string) => `buffer ${name} is ${phase}: ${why}`
export const transferFailed = (transfer: string, token: string, reason: string | undefined) =>
  `${transfer} of job ${token} failed${reason === undefined ? '' : `: ${reason}`}: bbctl transfer retry|drop ${token}`
export const keyUnreadable = (key: string, reason: string) => `etcd key ${key} cannot be read: ${reason}`
export const moreKeysUnreadable = (count: number, place: string) =>
  `${count} more keys of etcd below ${place} cannot be read`

/** What `bbctl check` finds: where, what, and the remedy. */
export const found = {
  documentUnreadable: (reason: string) => ({
    what: `it cannot be read: ${reason}`,
    remedy: 'fix the document, or delete the key',
  }),
  desiredDiffers: () => ({ what: 'what the host is told differs', remedy: 'the leader writes it again' }),
  desiredMissing: () => ({ what: 'the host is not told', remedy: 'the leader writes it again' }),
  sessionWithoutBuffer: () => ({ what: 'its buffer does not exist', remedy: 'end the session' }),
  jobBufferWithoutSession: (name: string) => ({
    what: 'it has no session, so Slurm does not see it',
    remedy: `bbctl show ${name} says how to mount it, if data on it is to be saved; then bbctl destroy ${name}`,
  }),
  persistentWithoutSession: (name: string) => ({
    what: 'it has no session, so Slurm does not see it',
    remedy: `create it again with the same request (bbctl create, or create_persistent), which gives it a session and keeps its data; or bbctl destroy ${name}`,
  }),
  hostIgnored: (host: string, what: string) => ({
    what,
    remedy: `add it to storageHosts, if it is to be a storage host; otherwise remove these from its agent.yaml, or, if the host no longer exists, delete the key inventory/${host}`,
  }),
  mountDisconnected: (host: string, path: string, what: string) => ({
    what,
    remedy: `on ${host}: end the processes that use ${path}, or restart the node; then its agent unmounts it within a minute`,
  }),
  brickMissing: (what: string) => ({
    what,
    remedy: 'bring the disk back, or destroy the buffer when its users have saved what they can',
  }),
  brickElsewhere: (name: string, place: string) => ({
    what: `it contains the brick of ${name} that was made on ${place}`,
    remedy: 'give the disk its former name again',
  }),
  brickUnclaimed: (uuid: string, place: string) => ({
    what: unclaimedBrick(uuid),
    remedy: `bbctl restore a backup that has its buffer, or bbctl adopt ${place}, which wipes it`,
  }),
  listTruncated: (host: string, list: string, command: string) => ({
    what: `it has more ${list} than its inventory lists: those that are not listed are not checked`,
    remedy: `on ${host}: ${command}`,
  }),
  volumeUnclaimed: (hosts: string[], remedy: string) => ({
    what: `it belongs to no buffer; seen by ${hosts.join(', ')}`,
    remedy,
  }),
  volumeMissing: (what: string) => ({ what, remedy: 'its primary creates it again: bbctl show' }),
  mountUnclaimed: (host: string, path: string, source: string) => ({
    what: `of ${source}: it belongs to no buffer`,
    remedy: `on ${host}: umount ${path}`,
  }),
  brickNotMounted: (name: string) => ({
    what: `the brick of ${name} is not mounted`,
    remedy: `its agent mounts it within a minute; otherwise bbctl show ${name} says why not`,
  }),
}
export const deviceNotListed = () => 'the host no longer lists the device'
export const deviceReplaced = (identity: string) => `it is another device: ${identity || 'it has no serial number'}`
export const dataMissing = () => 'the device is blank, but should contain data'
export const spareOf = (pool: string) => `the spares of pool ${pool}`
