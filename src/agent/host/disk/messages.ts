/*
 * What operators read of a disk that cannot be used, mounted or wiped. Tests compare with these functions, so that a
 * wording is changed here alone. The words for what a device holds are in deviceContent.ts: an adoption compares them.
 */

// Paths
export const noSuchDevice = (path: string) => `${path}: no such device`
export const notABlockDevice = (path: string) => `${path} is not a block device`
export const unknownToKernel = (path: string, numbers: string) => `${path}: the kernel has no device ${numbers}`
export const isPartitionOf = (path: string, disk: string) => `${path} is a partition of ${disk}`
export const notADeviceName = (path: string) => `the last part of ${path} is not a valid device name`

// The configuration
export const poolProblem = (pool: string, problem: string) => `pools.${pool}: ${problem}`
export const noSuchDirectory = () => 'no such directory'
export const matchesNoDevice = () => 'it matches no device'
export const listedInTwoPools = (one: string, other: string) => `listed in two pools: ${one} and ${other}`
export const sameName = (one: string, other: string) => `${one} and ${other} have the same name`
/** `unique`: what no other disk has, when both paths lead to one disk; undefined when they are one device. */
export const listedTwice = (one: string, other: string, unique: string | undefined) =>
  `listed twice: ${one} and ${other} are the same ${unique === undefined ? 'device' : `disk (${unique})`}`

// Who uses a device
export const mountedAtPath = (path: string) => `mounted at ${path}`
export const heldBy = (holder: string) => `held by ${holder}`
export const holdersUnknown = (why: string) => `its holders cannot be listed (${why})`
export const openedExclusively = () => 'opened exclusively, or still mounted after a lazy unmount'

// Bricks
export const cannotBeFormatted = (device: string) => `device ${device} cannot be formatted`
export const cannotBeMounted = (device: string) => `device ${device} cannot be mounted`
export const atTheMoment = (problem: string) => `${problem} at the moment`
export const notMounted = (path: string, mountPath: string) =>
  `mount reported success, but ${path} is not mounted at ${mountPath}`
export const stillMounted = (mountPath: string) => `umount reported success, but ${mountPath} is still mounted`
export const stillServes = (program: string, pid: number, device: string) =>
  `${program} ${pid} still serves the brick on ${device}`
export const stampDamaged = (file: string) => `the stamp file ${file} is damaged`

// Wipes
export const losesWrites = (device: string) => `device ${device} does not keep the data that is written to it`
export const discardFailed = (path: string, stderr: string) => `blkdiscard of ${path} failed: ${stderr}`
export const becameBlank = (device: string) => `device ${device} became blank while it was being overwritten`
export const cannotBeOverwritten = (device: string, stderr: string) =>
  `device ${device} cannot be overwritten with zeros: ${stderr}`
export const wipesStop = () => 'the agent is stopping: the next agent begins its wipes again'
export const cannotBeSanitized = (device: string, why: string) => `device ${device} cannot be sanitized: ${why}`
export const notSanitized = (device: string, state: number) =>
  `device ${device} was not sanitized: its drive reports state ${state}`
export const sanitizeTimedOut = (device: string, hours: number) =>
  `sanitizing device ${device} timed out after ${hours} hours`

// Why a drive cannot be sanitized
export const notNvme = () => 'it is not an NVMe drive'
export const severalControllers = (count: number) => `its drive has ${count} controllers, and may be shared`
export const noErase = () => 'its drive supports neither block erase nor crypto erase'
export const severalNamespaces = (count: number) => `its drive has ${count} namespaces, which would all be erased`
export const cannotQueryDrive = (why: string) => `cannot query its drive: ${why}`
