/*
 * What operators read of a device, a mount or swap that cannot become as desired. Tests compare with these functions,
 * so that a wording is changed here alone. The words for what a device holds are in device.ts: an adoption compares
 * them.
 */

// Devices
export const cannotBeUsed = (device: string, why: string) => `device ${device} cannot be used: ${why}`
export const notListed = () => 'agent.yaml does not list it under pools'
export const isAnotherDisk = (device: string) => `device ${device} has been replaced by another disk`
export const hasAnotherIdentity = (device: string, expected: string, found: string) =>
  `${isAnotherDisk(device)}: expected ${expected || 'none'}, found ${found || 'none'}`
export const hasAnotherSize = (device: string, expectedBytes: number, foundBytes: number) =>
  `device ${device} has changed its size: expected ${expectedBytes} bytes, found ${foundBytes} bytes`
export const hasPartitions = (partitions: readonly string[]) => `has partitions: ${partitions.join(', ')}`
export const isInUse = (users: readonly string[]) => `in use: ${users.join(', ')}`
export const isUnreadable = (why: string) => `cannot be read: ${why}`
export const deviceHasPartitions = (device: string, partitions: readonly string[]) =>
  `device ${device} ${hasPartitions(partitions)}`
export const deviceIsInUse = (device: string, users: readonly string[]) => `device ${device} is ${isInUse(users)}`
export const deviceIsUnreadable = (device: string, why: string) => `device ${device} ${isUnreadable(why)}`
export const deviceHolds = (device: string, content: string) => `device ${device} holds ${content}`
export const formatHasFinished = (device: string, content: string) =>
  `device ${device} now holds ${content}: an earlier mkfs has finished`
export const dataIsLost = (device: string, content: string) =>
  `device ${device} holds ${content}, but its buffer was built: the data is lost or damaged, and the device is not formatted`

// Bricks that are mounted
export const otherMountAt = (path: string, source: string) => `${source} is mounted at ${path}`
export const isMountedAndHolds = (device: string, content: string) => `device ${device} is mounted and holds ${content}`
export const isMountedReadOnly = (device: string) =>
  `device ${device} is mounted read-only: its disk or its file system has failed`
export const canOnlyBeMountedReadOnly = (device: string) =>
  `device ${device} can only be mounted read-only: it is write-protected or has failed`
export const isMountedAndUnreadable = (device: string, why: string) =>
  `device ${device} is mounted, but cannot be read: ${why}`
export const hasNoStamp = (device: string, directory: string) =>
  `device ${device} has no stamp, but a directory ${directory}, which may hold data`
export const spareHasDirectory = (device: string, directory: string) =>
  `device ${device} is a spare, and has the directory ${directory}: it is not given to a buffer`
export const hasStampOf = (device: string, uuid: string) => `device ${device} has the stamp of brick ${uuid}`

// Adoption
export const isNotWiped = (device: string, why: string) => `device ${device} is not wiped: ${why}`
export const holdsSomethingElse = (device: string, found: string, expected: string) =>
  `device ${device} holds ${found}, but held ${expected} when it was adopted: adopt it again`

// What a plan waits for, as in "waits for …"
export const deviceToBeReleased = (device: string, users: readonly string[]) =>
  `device ${device} to be released (${users.join(', ')})`
export const wipeToFinish = (device: string) => `the wipe of device ${device} to finish`
export const formatToFinish = (device: string) =>
  `mkfs on ${device} to finish, which began before the agent was restarted`
export const swapToBeOff = (loop: string) => `the swap on ${loop} to be turned off`
export const pathToBeFree = (path: string, source: string) => `${source} to be unmounted from ${path}`
export const bricksToBeConnected = (path: string, shownBytes: number, minBytes: number) =>
  `all bricks of ${path} to be connected: the mount shows ${shownBytes} bytes, and has at least ${minBytes} with all of them`
export const placeOfSwapToBeMounted = (place: string, path: string) => `${place} to be mounted at ${path}`
