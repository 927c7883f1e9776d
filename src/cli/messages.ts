import type { BufferDetail, DeviceView, PoolView, RestoreView, StatusView } from '../model/api.js'
import { count, size } from './output.js'

/* What bbctl says. Tests compare with these functions, so that a wording is changed here alone. */

// Calls to the scheduler
export const schedulerUnreachable = (socket: string) =>
  `the scheduler does not answer on ${socket}: is bb-scheduler running on this host?`
export const permissionDenied = (socket: string) =>
  `permission denied on ${socket}: run bbctl as root or as the slurm user`
export const connectionLost = (socket: string, why: string) =>
  `the connection to the scheduler on ${socket} was lost: ${why}`
export const unexpectedAnswer = (status: number, text: string) =>
  `unexpected answer ${status} from the scheduler: ${text}`
export const watchEnded = (name: string) => `the scheduler closed the connection: see bbctl show ${name}`
export const withSuggestions = (error: string, suggestions: string[]) =>
  suggestions.length > 0 ? `${error}; did you mean ${suggestions.join(', ')}?` : error

// The command line
export const commandMissing = () => 'a command is missing'
export const seeHelp = (problem: string) => `${problem}; see bbctl --help`
export const noUser = (user: string) => `there is no user ${user}`
export const notADevice = (place: string) => `write HOST/DEVICE, not ${place}`
export const notABackup = (file: string, why: string) => `${file} is not a backup: ${why}`
export const backupNotWritten = (why: string) => `the backup cannot be written: ${why}`
/** `what` is what would happen, or why a question is asked. */
export const noTerminal = (what: string, flag: string) => `${what}. There is no terminal to ask on: pass ${flag}`
export const confirmByName = (what: string, question: string, name: string) =>
  `${what}. ${question} Type ${name} to continue: `
export const notConfirmed = () => 'not confirmed: nothing was done'

// Buffers
export const bufferReady = (name: string) => `buffer ${name} is ready`
export const bufferPlaced = (name: string) => `buffer ${name} is placed; see bbctl show ${name}`
export const bufferGone = (name: string) => `buffer ${name} is gone`
export const bufferBeingDeleted = (name: string) => `buffer ${name} is being deleted; see bbctl show ${name}`
export const deletedMeanwhile = (name: string) => `buffer ${name} was deleted before it was ready`
export const bufferFailed = (name: string, reason: string | null) =>
  `buffer ${name} cannot be created: ${reason ?? 'no reason given'}`
export const bufferBlocked = (name: string, waitingFor: string[]) =>
  `buffer ${name} is blocked: it waits for ${waitingFor.join('; ')}, and is deleted after that`
export const devicesBeingWiped = (waitingFor: string[]) => `its devices are being wiped: ${waitingFor.join('; ')}`
export const phaseAndWait = ({ phase, waitingFor }: Pick<BufferDetail, 'phase' | 'waitingFor'>) =>
  waitingFor.length > 0 ? `${phase}: waiting for ${waitingFor.join('; ')}` : phase
export const destroyAnyway = () => 'Destroy it anyway?'

// Hosts and devices; `place` is HOST or HOST/DEVICE
export const cordoned = (place: string) => `${place} is cordoned`
export const alreadyCordoned = (place: string) => `${place} is already cordoned`
export const uncordoned = (place: string) => `${place} accepts new bricks again`
export const notCordoned = (place: string) => `${place} was not cordoned`
export const adoptingWipes = (place: string) => `adopting ${place} wipes it`
export const wipeDevice = (found: DeviceView | undefined) =>
  found
    ? `It has ${size(found.sizeBytes)}, ${found.identity || 'no serial number'}. Its content: ${found.reason ?? 'nothing'}. Wipe it?`
    : 'The scheduler does not know it. Wipe it?'
export const adopted = (place: string) => `${place} is wiped and free`

// Transfers
const transferDone = {
  cancel: 'cancelled',
  retry: 'started again',
  drop: 'dropped: the data is discarded',
}
export type TransferAction = keyof typeof transferDone
export const transfersChanged = (action: TransferAction, transfers: number, token: string) =>
  `${count(transfers, 'transfer')} of job ${token} ${transferDone[action]}`

// Backup and restore
const contentOf = ({ buffers, sessions, cordons }: RestoreView) =>
  `${count(buffers, 'buffer')}, ${count(sessions, 'session')}, ${count(cordons, 'cordon')}`
export const backedUp = (file: string, view: RestoreView) => `${file} contains ${contentOf(view)}`
export const restored = (view: RestoreView) => `restored ${contentOf(view)}; see bbctl status`

// Status
export const schedulerRole = ({ leads, leader }: StatusView['scheduler']) =>
  leads ? 'leader' : `standby, ${leader === null ? 'no leader' : `the leader is ${leader}`}`

// Slurm
export const jobInSlurm = (id: string, state: string, reason: string, burstBufferState: string) =>
  `Slurm: job ${id} is ${state} with the reason ${reason}` +
  (burstBufferState === '' ? '' : `, the state of its burst buffer is ${burstBufferState}`)
export const commentInSlurm = (comment: string) => `Slurm's comment on the job: ${comment}`
export const neverStarted = (id: string) =>
  `If it still is so in a minute, Slurm will never start the job: run scancel ${id} and submit it again`
export const notRequestedYet = () =>
  'Slurm has not requested its buffer yet. It does so when it counts enough free space in the pool. A job that requests more than the whole pool waits forever'
export const poolSizes = ({ pool, totalBytes, freeBytes }: PoolView) =>
  `pool ${pool} has ${size(totalBytes)} in total, ${size(freeBytes)} free`
export const nameUnknown = (name: string, slurmsError: string | undefined) =>
  `neither the scheduler nor Slurm knows ${name}${slurmsError === undefined ? '' : `: ${slurmsError}`}`

// Differences between Slurm and the scheduler
export const stranded = (id: string) => ({
  where: `job ${id} of Slurm`,
  what: 'Slurm waits for a teardown that has already ended, and will never start the job',
  remedy: `run bbctl check again in a minute; if it says the same, run scancel ${id}, and let the user submit the job again`,
})
export const unknownToScheduler = (name: string) => ({
  where: `Slurm's buffer ${name}`,
  what: 'the scheduler has no buffer of that name',
  remedy: 'Slurm tears it down at the end of its job; after scontrol reconfigure it reads the list of buffers again',
})
export const unknownToSlurm = (name: string, otherwise: string) => ({
  where: `buffer ${name}`,
  what: 'Slurm does not list it',
  remedy: `wait half a minute, until Slurm reads the list of buffers again. After that, ${otherwise}`,
})
export const destroyUnused = (name: string) => `run bbctl destroy ${name} if no job uses it`
const ifJobUnknown = (job: string) => `if scontrol show job ${job} does not know the job either, run `
export const destroyJobBuffer = (job: string) => `${ifJobUnknown(job)}bbctl destroy ${job} --force`
export const endJob = (job: string, shim: string) => {
  const call = (name: string) => `${shim} --function ${name} --token ${job}`
  const steps = [call('post_run'), call('data_out'), call('teardown')].join(' && ')
  return `${ifJobUnknown(job)}${steps} stages its results out and removes it, and ${call('teardown')} --hurry discards them`
}
export const slurmNotCompared = (why: string) => `Slurm was not compared: ${why}`
export const differencesFound = (found: number) => (found === 0 ? 'no differences' : count(found, 'difference'))
