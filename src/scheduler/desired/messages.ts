import type { PlacedBrick } from '../../model/documents/buffer.js'

/*
 * What the timeline says about changes that follow from reports, what a transfer waits for, and why it failed. Tests compare with
 * these functions, so that a wording is changed here alone.
 */

type Place = Pick<PlacedBrick, 'host' | 'device'>

// Events
export const brickReplaced = (old: Place, replacement: Place, why: string) =>
  `brick ${old.device} on ${old.host} replaced by ${replacement.device} on ${replacement.host}: ${why}`
export const quarantined = ({ host, device }: Partial<Place>, why: string) => `quarantined ${device} on ${host}: ${why}`
export const failed = (why: string) => `failed: ${why}`
export const cannotReplace = (reasons: string[], refused: string) => `${reasons.join(', ')}; and ${refused}`
export const volumeFailed = (volume: string, why: string) => `volume ${volume}: ${why}`
export const hostIsLost = (host: string) => `host ${host} is lost`
export const hostDisconnected = (host: string, buffer: string, token: string, why: string) =>
  `host ${host} was disconnected from ${buffer} of job ${token}: ${why}`
export const transferEnded = (transfer: string, token: string, how: string) => `${transfer} of job ${token} ${how}`
export const done = (what: string) => `done: ${what}`

// What a transfer waits for
export const missingBuffer = (name: string) => `the buffer ${name}, which no longer exists`
export const workOfHost = (host: string, detail: string) => `host ${host}: ${detail}`
export const earlierAttempt = (host: string) => `host ${host} to end the earlier attempt`
export const missingDirectories = (volume: string, directories: string[]) =>
  `volume ${volume} to contain ${directories.join(', ')}`

// Why a transfer failed
export const hostFailed = (host: string, why: string) => `host ${host}: ${why}`
export const notAllCopied = (failedFiles: number, files: number, example: string | undefined) =>
  `${failedFiles} of ${files} files could not be copied${example === undefined ? '' : `, for example ${example}`}`
