import { printRounded } from '../../model/capacity.js'
import type { PlacedBrick } from '../../model/documents/buffer.js'
import type { TransferCounts } from '../../model/documents/transferFields.js'

/*
 * The lines of a buffer's timeline, and the problems of the loop. Tests compare with these functions, so that a wording is changed here
 * alone.
 */

// Phases
const waiting = (waitingFor: string[]) => (waitingFor.length > 0 ? `: it waits for ${waitingFor.join('; ')}` : '')
export const placedOn = (bricks: readonly PlacedBrick[]) =>
  `placed on ${bricks.map(({ host, device }) => `${host}/${device}`).join(', ')}`
export const creatingBricks = (waitingFor: string[]) => `bricks are being created${waiting(waitingFor)}`
export const creatingVolume = () => 'all bricks are ready, the volume is being created'
export const ready = () => 'ready'
export const readyAgain = () => 'ready again'
export const degraded = (waitingFor: string[]) => `degraded${waiting(waitingFor)}`
export const failed = (why = 'for an unknown reason') => `failed: ${why}`
export const deleting = () => 'deleting'
export const wiping = (waitingFor: string[]) => `its devices are being wiped${waiting(waitingFor)}`
export const blocked = (waitingFor: string[]) => `blocked${waiting(waitingFor)}`

// Transfers
export const milestone = (transfer: string, token: string, text: string) => `${transfer} of job ${token}: ${text}`
export const scanning = () => 'looking for files to copy'
export const scanned = ({ totalFiles, totalBytes }: TransferCounts) =>
  `found ${totalFiles} files, ${printRounded(totalBytes)}`
export const scannedTooLarge = (counts: TransferCounts, largestBytes: number) =>
  `${scanned(counts)}; one file has ${printRounded(largestBytes)}, more than a brick can hold`
export const copied = ({ files, totalFiles, bytes, totalBytes }: TransferCounts) =>
  `${files} of ${totalFiles} files, ${printRounded(bytes)} of ${printRounded(totalBytes)}`
export const checking = () => 'all files are copied, and are being checked'

// Problems
export const hostChangesTooOften = (host: string, seconds: number) =>
  `host ${host} comes, goes or changes its addresses all the time: its changes are handled every ${seconds} s`
export const refusedByEtcd = (name: string, why: string) => `etcd refuses to store ${name}: ${why}`
