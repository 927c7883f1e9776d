import type { AccessMode } from '../../../model/documents/buffer.js'
import { stageTypes } from '../../../model/documents/transferFields.js'
import { quote } from '../../../model/names.js'

/*
 * What users are told about mistakes in their scripts. Tests compare with these functions, so that a wording is changed here
 * alone. Most of them are printed after the line: see `inLine`.
 */

export const inLine = (line: string, problem: string) => `${line}: ${problem}`

// The script as a file
export const scriptNotRegular = (path: string) => `the job script ${quote(path)} is not a regular file`
export const headTooLong = () => 'the job script begins with more than 4 MiB of comments: write a command before that'
export const tooManyDirectives = (max: number) => `the job script has more than ${max} lines of directives`

// A line
export const lineTooLong = (maxBytes: number) => `it is longer than ${maxBytes} bytes`
export const continuedTooLong = (maxBytes: number) => `with its continuation lines it is longer than ${maxBytes} bytes`
export const notUtf8 = () => 'it is not valid UTF-8'
export const carriageReturn = () =>
  'it contains a carriage return, as in files with Windows line ends, and Slurm would read another size or name: convert the file, for example with dos2unix'
export const blankAfterBackslash = () =>
  'a blank follows the "\\" at its end, and Slurm would not continue it in the next line: remove the blank'
export const controlCharacter = () => 'it contains a control character'
export const blankMissing = (kind: string) => `write a blank after ${kind}`
export const continuationMissing = (kind: string) => `it ends in "\\", but the next line does not begin with ${kind}`
export const tabAfter = (part: string) =>
  `a tab follows ${quote(part)}, and Slurm would read it as a part of the value: write a blank instead`

// Words and options
export const directiveMissing = (known: string[]) => `the directive is missing: write one of ${known.join(', ')}`
export const unknownDirective = (word: string, known: string[]) =>
  `unknown word ${quote(word)}: write one of ${known.join(', ')}`
export const belongsToBB = (directive: string) => `write #BB ${directive} instead of #DW ${directive}`
export const unknownOption = (word: string, known: readonly string[]) =>
  `unknown word ${quote(word)}: write ${known.map((name) => `${name}=`).join(', ')}`
export const optionNotSupported = (key: string) => `${key} is an option of DataWarp that is not supported: leave it out`
export const quoteInValue = (word: string) =>
  `${quote(word)} contains a quote, and no shell reads this line: write values without quotes. ` +
  'Paths with blanks are not supported: stage the directory, or a link without blanks'
export const valueMissing = (key: string) => `${key} needs a value: write ${key}=…`
export const givenTwice = (key: string, first: string, second: string) =>
  `${key}= is given twice, as ${quote(first)} and as ${quote(second)}: write one`
export const capacityMissing = () => 'capacity= is missing: write capacity=3TB, for example'
export const capacityWithoutUnit = (bytes: number) =>
  `capacity=${bytes} asks for a buffer of ${bytes} bytes: write a unit, as in 3TB, and no decimals`
export const nameMissing = () => 'name= is missing'
export const invalidPool = (pool: string) => `${quote(pool)} is not the name of a pool`
export const invalidGroup = (group: string) => `${quote(group)} is not the name of a group`
export const typeNotSupported = (type: string) =>
  `type=${type} is a type of DataWarp that is not supported: write type=scratch`
export const unknownType = (type: string) => `unknown type ${quote(type)}: write type=scratch`

// Access modes
export const unknownAccessMode = (word: string) =>
  `unknown access mode ${quote(word)}: write access_mode=striped, access_mode=private, or both as in access_mode=striped,private`
export const swapIsNotAnAccessMode = () =>
  'swap is not an access mode: write it in a line of its own, for example #DW swap 4GiB'
export const accessModeTwice = (mode: string) => `the access mode ${mode} is given twice`
export const accessTwice = () => 'access= and access_mode= mean the same: write one'
export const persistentIsStriped = () =>
  "a persistent buffer must be striped, private access is for a job's own buffer: write access_mode=striped"
export const persistentHasNoOptions = (text: string) =>
  `options of an access mode are for a job's own buffer: write access_mode=striped instead of ${quote(text)}`
const modeOptions = (mode: AccessMode) => `write ${mode}(client_cache=yes) or ${mode}(client_cache=no)`
export const clientCacheTwice = (mode: AccessMode) => `client_cache is given twice: ${modeOptions(mode)}`
export const modeOptionNotSupported = (mode: AccessMode, word: string) =>
  `${quote(word)} is an option of DataWarp that is not supported: ${modeOptions(mode)}`
export const unknownModeOption = (mode: AccessMode, word: string) =>
  `unknown option ${quote(word)} of the access mode ${mode}: ${modeOptions(mode)}`

// The job's own buffer and swap
export const secondJobdw = () =>
  'a job has one buffer of its own: for both kinds of access write access_mode=striped,private in one line'
export const secondSwap = () => 'a job has at most one line with swap'
export const swapSizeMissing = () => 'swap needs a size for each node: write swap 4GiB, for example'
export const swapSizeFirst = (word: string) =>
  `the size of swap must come before ${quote(word)}: write swap 4GiB, for example`
export const swapTooSmall = (size: string) => `swap of ${quote(size)} is too small: ask for at least 1MiB`
export const unknownSwapWord = (word: string, size: string) =>
  `unknown word ${quote(word)}: write swap ${size}, and pool= after it`
export const swapInOtherPool = () =>
  'swap is placed on the buffer of the jobdw line: write the same pool= in both lines, or none here'

// Persistent buffers
export const usedAndDestroyed = (name: string) =>
  `the same script destroys ${quote(name)}: destroy it in a job that runs afterwards`
export const usedTwice = (name: string) => `the persistent buffer ${quote(name)} is named twice`
export const sameVariable = (name: string, other: string, variable: string) =>
  `${quote(name)} and ${quote(other)} have the same variable $${variable}: use them in two jobs`
export const createdTwice = (name: string) => `the persistent buffer ${quote(name)} is created twice`
export const tooManyCreates = (max: number) => `a script can create at most ${max} persistent buffers`

// Stage directives
type Key = 'source' | 'destination'
const stageType = `write one of ${stageTypes.map((type) => `type=${type}`).join(', ')}`
export const stageTypeMissing = () => `type= is missing: ${stageType}`
export const unknownStageType = (type: string) => `unknown type ${quote(type)}: ${stageType}`
export const unknownVerify = (text: string) => `unknown verify=${quote(text)}: write verify=checksum, or leave it out`
export const tooManyStages = (max: number) =>
  `a script has at most ${max} stage directives: write the paths to a file, and stage it with type=list`
export const stageDirectivesTooLong = (maxBytes: number) =>
  `the stage directives are longer than ${maxBytes / 1024} KiB together: write the paths to a file, and stage it with type=list`
export const pathMissing = (key: Key, example: string) => `${key}= is missing: write ${key}=${example}`
export const invalidPath = (key: Key, problem: string) => `${key}=: ${problem}`
export const patternInPath = (key: Key, text: string) =>
  `${key}=${quote(text)} contains one of * ? [ ], and patterns are not supported: type=directory copies all of a directory, type=list copies what a file names`
export const pathOutside = (key: Key, text: string, example: string) =>
  `${key}=${quote(text)} is not in a buffer of the job: write ${key}=${example}`
export const pathInBuffer = (key: Key, text: string, example: string) =>
  `${key}=${quote(text)} is in the buffer: write ${key}=${example}`
export const fileNameMissing = (key: Key, text: string) =>
  `${key}=${quote(text)} does not name a file: add the name of the file`
export const bufferNotUsed = (name: string) =>
  `it names the persistent buffer ${quote(name)}, which the job does not use: add #DW persistentdw name=${name}`
export const noBuffer = () => 'it names no buffer, and the job has none: add #DW jobdw capacity=…'
export const ambiguousBuffer = () =>
  'it names no buffer, and the job has several: write a source= or a destination= in one of them'
export const noOwnBuffer = (variable: string, mode: AccessMode) =>
  `it names ${variable}, but the job asks for no buffer: add #DW jobdw ${mode === 'private' ? 'access_mode=private ' : ''}capacity=…`
export const modeMissing = (variable: string, only: AccessMode) =>
  `it names ${variable}, but the buffer is only ${only}: write access_mode=striped,private`
