import { quote } from './names.js'

/*
 * What users are told about a size, a name or a path that they wrote, and what operators are told about buffers and devices. Tests
 * compare with these functions, so that a wording is changed here alone.
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

// What a buffer, a job or a transfer waits for, as in "waits for host c1 to unmount it"
export const lostHost = (host: string) => `host ${host}, which is lost`
export const hostToUnmount = (host: string, what = 'it') => `host ${host} to unmount ${what}`
export const endOfJob = (token: string) => `the end of job ${token}, which uses it`
export const brickOn = ({ host, device }: { host: string; device: string }) => `brick ${device} on ${host}`
export const volumeOn = (volume: string, host: string) => `volume ${volume} on ${host}`
/** `what` is on a host that is lost. */
export const onLostHost = (what: string) => `${what} (lost)`
export const brickOffline = (brick: string) => `brick ${brick}, which is offline`
export const brickToBeChecked = (brick: string) => `${brick}, which is not checked yet since its host was restarted`
export const bricksToBeChecked = (host: string) =>
  `the bricks on ${host}, which are not checked yet since it was restarted`
export const brickBeingWiped = (brick: string, progress: string) => `${brick}, ${progress}`
export const waitsFor = (what: string) => `waits for ${what}`
/** Rounded down: 100 % means that only the ends of the device remain. */
export const percentWiped = (percent: number) => `${percent} % wiped`

// Devices
export const wipeNotSupportedByAgent = (wipe: string) =>
  `its pool is wiped with ${wipe}, which its agent does not support: upgrade the agent`
export const sanitizeNotSupported = (why = 'no reason given') =>
  `its pool is wiped with sanitize, which the device does not support: ${why}`
export const sanitizeUnknown = (why = 'no reason given') =>
  `its pool is wiped with sanitize, and it is not known whether the device supports that: ${why}`
export const adoptionWithoutEnd = () =>
  'its adoption does not say when it expires, because the scheduler is too old: upgrade the scheduler, then adopt it again'
export const adoptionExpired = (seconds: number) =>
  `its adoption expired ${seconds} s ago by this host's clock: adopt it again`
export const adoptionTooLong = (seconds: number, maxSeconds: number) =>
  `its adoption expires in ${seconds} s by this host's clock, although adoptions are valid for ${maxSeconds} s: ` +
  'set the clocks of this host and of the scheduler, then adopt it again'
