import { printRounded, printSize } from '../../../model/capacity.js'
import { quote } from '../../../model/names.js'

/*
 * What users are told when their script cannot work here, or when Slurm has read it differently. Tests compare with these
 * functions, so that a wording is changed here alone.
 */

// Slurm's --capacity differs from the script
interface Passed {
  pool: string | undefined
  bytes: number
}
const slurms = ({ pool = '', bytes }: Passed) =>
  `Slurm passes --capacity ${pool}:${bytes === 0 ? 0 : printSize(bytes)}, but the script`
export const jobdwMissing = (passed: Passed) =>
  `${slurms(passed)} has no line #DW jobdw before its first command: write one`
export const readInOtherPool = (passed: Passed, pool: string) =>
  `${slurms(passed)} asks for pool ${pool}: write pool=${pool} with a blank before and after it`
/** `askedBytes` is undefined when the script asks for swap alone. */
export const readWithOtherSize = (passed: Passed, askedBytes: number | undefined, pool: string) =>
  `${slurms(passed)} asks for ${askedBytes === undefined ? 'swap alone' : printSize(askedBytes)}: ` +
  `write a whole number and a unit, as in capacity=3TB, with a blank after it. If the granularity of pool ${pool} was changed, submit the job again`

// Buffers that the script creates
export const createdInOtherPool = (name: string, pool: string, asked: string) =>
  `the persistent buffer ${quote(name)} is in pool ${pool}, but the script asks for pool ${asked}`
export const createdWithOtherSize = (name: string, bytes: number, askedBytes: number) =>
  `the persistent buffer ${quote(name)} has ${printSize(bytes)}, but the script asks for ${printSize(askedBytes)}`
/** Added to a refusal: Slurm creates these buffers before anybody here can read the script. */
export const createdAlready = (names: string[]) => {
  const [exist, them] = names.length === 1 ? ['exists', 'it'] : ['exist', 'them']
  const destroying = names.map((name) => `#BB destroy_persistent name=${name}`).join(', ')
  return `. Of the buffers that the script creates, ${names.map(quote).join(', ')} already ${exist}: if you do not want ${them}, destroy ${them} in a job with ${destroying}`
}

// Requests that can never work
export const exceedsPool = (word: string, pool: string, askedBytes: number, poolBytes: number) =>
  `${word} asks for too much: with it the job takes ${printSize(askedBytes)} of pool ${pool}, which has ${printSize(poolBytes)}`
export const stagingNotSetUp = (key: string, path: string) =>
  `${key}=${quote(path)} cannot be staged: staging is not set up on the storage hosts (stagePaths)`
export const notStaged = (key: string, path: string, served: string[]) =>
  `${key}=${quote(path)} cannot be staged by any storage host: write a path below ${served.join(' or ')}`

// Sources
const source = (path: string, problem: string) => `source=${quote(path)} ${problem}`
export const sourceAbsent = (path: string) => source(path, 'does not exist')
export const sourceUnreadable = (path: string, deniedAt: string) =>
  source(path, `cannot be read by you: permission denied${deniedAt === path ? '' : ` at ${quote(deniedAt)}`}`)
export const sourceIsFile = (path: string) => source(path, 'is not a directory: write type=file')
export const sourceIsDirectory = (path: string) => source(path, 'is a directory: write type=directory')
/** `copies` is how often the buffer holds it: more than once when it is copied to every node. */
export const sourceTooLarge = (path: string, bytes: number, copies: number, bufferBytes: number) => {
  const taken = copies === 1 ? '' : ` and is copied to every node, which takes ${printRounded(bytes * copies)}`
  return source(
    path,
    `has ${printRounded(bytes)}${taken}, but the buffer has ${printRounded(bufferBytes)}: ask for more with capacity=`,
  )
}
