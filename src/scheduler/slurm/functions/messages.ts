import { quote } from '../../../model/names.js'

/*
 * What Slurm's functions answer when they refuse or fail; squeue shows it as the job's reason. Tests compare with these functions,
 * so that a wording is changed here alone.
 */

// Arguments
export const unknownFunction = (name: string, known: string[]) =>
  `invalid function ${quote(name)}: the functions are ${known.join(', ')}`
export const unknownArgument = (word: string, known: string[]) =>
  `unknown argument ${quote(word)}: the arguments are ${known.join(', ')}`
export const argumentMissing = (name: string, calledFunction?: string) =>
  `the argument --${name}${calledFunction ? ` of ${calledFunction}` : ''} is missing`
export const argumentWithoutValue = (word: string) => `the argument ${word} needs a value`
export const argumentTwice = (word: string) => `the argument ${word} is given twice`
export const notANumber = (name: string, text: string) => `--${name} must be a number, not ${quote(text)}`
export const typeNotSupported = (type: string) => `type ${quote(type)} is not supported: write type=scratch`

// Files
export const scriptUnreadable = (path: string, code: string | undefined) =>
  `the job script ${quote(path)} cannot be read: ${code}`
export const nodeFileUnreadable = (path: string, code: string | undefined) =>
  `the node file ${quote(path)} cannot be read: ${code}`
export const nodeFileTooLarge = (path: string) => `the node file ${quote(path)} is not a regular file of at most 4 MiB`
export const invalidNode = (node: string) => `the node file contains ${quote(node)}, which is not a valid host name`

// Waiting
export const noRoomInTime = (reason: string) => `${reason}, and the call timed out before more became free`
export const stillBeingRemoved = (token: string, waitingFor: string[]) =>
  `the earlier ${quote(token)} is still being removed, and waits for ${waitingFor.join('; ')}`
export const timedOut = (waitingFor: string[]) =>
  `the call timed out${waitingFor.length > 0 ? ` while waiting for ${waitingFor.join('; ')}` : ''}: try again`
export const unavailable = (why: string) => `the burst buffer scheduler cannot answer now: ${why}`
export const callerGone = () => 'its caller has ended'
export const setUpAgain = (token: string) => `${quote(token)} was set up again after this call was made`
export const notShared = (problem: string, name: string) =>
  `${problem}. Buffer ${quote(name)} is not shared: only you can use it`

/** Slurm knows this phrase, and stops calling teardown. */
export const tokenNotFound = (token: string) => `token not found: ${quote(token)}`
