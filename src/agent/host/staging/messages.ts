import { quote } from '../../../model/names.js'

/*
 * What users and operators read when files cannot be staged. Tests compare with these functions, so that a wording is
 * changed here alone. `path` is a path as the user wrote it, already in quotes (`nameOf`); `file` and `directory` are
 * paths on this host.
 */

// This host
export const stagesNothing = () =>
  'staging is not configured on this host: ' +
  'set stagePaths in its agent.yaml to the file systems that users may stage from and to'
export const rootMayNotStage = () => 'files cannot be staged as root'
export const unknownUser = (uid: number) =>
  `user ${uid} is not known on this host: storage hosts must know the same users as compute nodes`
export const notStarted = (program: string, stderr: string) => `${program} was not started in its sandbox: ${stderr}`
export const volumeNotMounted = (volume: string, directory: string) =>
  `mount reported success, but ${volume} is not mounted at ${directory} or does not answer`
export const stagePathSilent = (root: string) => `the stage path ${root} does not exist on this host or does not answer`

// Paths
export const cannotBeStaged = (path: string, why: string) => `${path} cannot be staged: ${why}`
export const notFound = () => 'it does not exist, or permission is denied'
export const leavesBuffer = (path: string, real: string) => `${path} leads out of the buffer, to ${quote(real)}`
/** `leadsTo`: where a link leads to, if the path is one. */
export const notBelowStagePaths = (path: string, leadsTo: string | undefined, stagePaths: readonly string[]) =>
  `${path}${leadsTo === undefined ? '' : ` leads to ${quote(leadsTo)}, which`} is not below ${stagePaths.join(', ')}`
export const leadsToNoUtf8 = (path: string) => `${path} leads to a path that is not valid UTF-8`
export const argumentTooLong = () => 'argument list too long: a path is too long to be given to a program'
export const fileTooLong = (file: string, maxBytes: number) => `${file} is too long: it has ${maxBytes} bytes or more`
export const notAFile = (path: string, kind: string) =>
  `${path} is a ${kind}, not a file: use type=directory for a directory`
export const notADirectory = (path: string, kind: string) =>
  `${path} is a ${kind}, not a directory: use type=file for a file`
export const destinationIsDirectory = (path: string) =>
  `the destination ${path} is a directory: add the name that the file is to have`
export const destinationFull = (line: string) => `the destination is full: ${line}`

// Files that were not copied; `name` is below the source
export const deviceFile = (name: string) => `${name}: device files cannot be staged`
export const notArrived = (name = 'a file') => `${name}: it is missing at the destination`
export const sizeDiffers = (name: string, plannedBytes: number, bytes: number) =>
  `${name}: it changed while it was staged: it had ${plannedBytes} bytes, and has ${bytes} bytes at the destination`
export const contentDiffers = (name: string) => `${name}: its content at the destination differs`
export const changedMeanwhile = (name: string) => `${name}: it changed while it was staged`
export const rangeFailed = (name: string, why: string) => `${name}: ${why}`
export const countDiffers = (found: number, copied: number) => `${found} files were found, but ${copied} were copied`
export const rsyncFailed = (code: number, stderr: string) => `rsync failed with exit code ${code}: ${stderr}`

// Lists
export const noList = (path: string) => `the list ${path} does not exist`
export const listNotUtf8 = (path: string) => `the list ${path} is not valid UTF-8: use type=directory`
export const listTooLong = (path: string, maxLines: number) =>
  `the list ${path} has more than ${maxLines} lines: use type=directory`
export const listsTooLong = (maxLines: number) =>
  `the lists of all nodes have more than ${maxLines} lines together: use type=directory`
export const inLine = (line: number, list: string, problem: string) => `line ${line} of the list ${list}: ${problem}`
export const sameDestination = (list: string, path: string) =>
  `two lines of the list ${list} have the same destination ${path}`
export const lineTooLong = (maxBytes: number) => `it is longer than ${maxBytes} bytes`
export const pathTooLong = (maxBytes: number) => `a path is longer than ${maxBytes} bytes`
export const partTooLong = (maxBytes: number) => `a part of a path is longer than ${maxBytes} bytes`
export const tooManyWords = () =>
  'it has more than a source and a destination: use type=directory for names that contain spaces'
export const noDestination = () => 'it has no destination: add one to the line, or destination= to the directive'
export const notInBuffer = (text: string, variable: string) =>
  `${quote(text)} is not in the buffer: write $${variable}/…`
export const isInBuffer = (text: string) => `${quote(text)} is in the buffer: write a path outside of the buffer`
export const inAnotherBuffer = (text: string, variable: string) =>
  `${quote(text)} is in another buffer: write $${variable}/…`

// Notes
export const noteForged = (file: string) =>
  `${file} was not written by this transfer: another user writes into that directory`
export const noteInvalid = (file: string) => `${file} is damaged: retry the transfer`
export const notOwnDirectory = (directory: string) =>
  `${directory} is not the directory that this transfer made for its notes: remove it`
export const notesUnprotected = (directory: string) =>
  `other users may write to ${quote(directory)}, where this release of the scheduler does not protect notes: upgrade it`
export const scanGone = (attempt: number, directory: string) =>
  `the list of files of attempt ${attempt} is missing in ${directory}: retry the transfer`
export const listIncomplete = (list: string) => `the list ${list} is missing or incomplete: retry the transfer`
export const shareNotCopied = (share: number) => `share ${share} has not been copied yet`
export const foreignNode = (attempt: number) =>
  `the notes of attempt ${attempt} name a node that the directive does not have: retry the transfer`
export const foreignFiles = (attempt: number) =>
  `the notes of attempt ${attempt} name files that the directive does not have: retry the transfer`

// The report, a file of the user's
export const reportTitle = (transfer: string, token: string, attempt: number) =>
  `${transfer} of job ${token}, attempt ${attempt}:`
export const reportCounts = (copied: number, failed: number) => `${copied} files copied, ${failed} failed.`
export const reportMore = (failed: number) => `and ${failed} more`
