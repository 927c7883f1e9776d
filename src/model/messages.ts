import { quote } from './names.js'

/*
 * What users are told about a size, a name or a path that they wrote. Tests compare with these functions, so that a wording is
 * changed here alone.
 */

// Sizes
const invalidSize = (text: string, advice: string) => `${quote(text)} is not a valid capacity: ${advice}`
export const sizeWithoutUnit = (text: string) =>
  invalidSize(text, 'write a whole number and a unit, as in 3TB or 500GiB')
export const sizeWithDecimals = (text: string, instead = 'a whole number of a smaller unit') =>
  invalidSize(text, `decimals are not supported, write ${instead}`)
export const sizeNegative = (text: string) => invalidSize(text, 'it must be greater than zero, as in 3TB')
export const sizeWithExponent = (text: string) =>
  invalidSize(text, 'exponents are not supported, write 3TB, for example')
export const sizeZero = (text: string) => invalidSize(text, 'ask for at least one byte')
export const sizeTooLarge = (text: string, max: string) => `${quote(text)} is too large: the maximum is ${max}`

// Names of persistent buffers
export const nameReserved = (name: string) => `the name ${quote(name)} is reserved by GlusterFS: choose another`
export const nameInvalid = (name: string) =>
  `${quote(name)} is not a valid buffer name: write a letter, then at most 63 letters, digits, "-", "_" or "."`

// Paths of stage directives
export const pathTooLong = (path: string, maxBytes: number) => `${quote(path)} is longer than ${maxBytes} bytes`
export const partTooLong = (part: string, maxBytes: number) =>
  `${quote(part)} is longer than ${maxBytes} bytes, the limit for a file name`
export const pathNotAbsolute = (path: string) =>
  `${quote(path)} is not an absolute path: begin it with /${path.startsWith('~') ? ', and write your home directory out' : ''}`
export const pathWithBackslash = (path: string) =>
  `${quote(path)} contains a backslash or a control character: such paths cannot be staged`
export const pathWithDots = (path: string) => `${quote(path)} contains "." or "..": write the path out`
export const unknownVariable = (path: string) =>
  `${quote(path)} contains an unknown variable: only $DW_JOB_STRIPED/, $DW_JOB_PRIVATE/ and $DW_PERSISTENT_STRIPED_<name>/ are known, at the beginning of a path. ` +
  'Write the path out, as in /home/alice/x; %u stands for your name, %j for the job id'
