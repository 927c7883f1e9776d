/*
 * What operators read of a mount or swap of a compute node that fails. Tests compare with these functions, so that a
 * wording is changed here alone.
 */

// Mounts
export const notMounted = (volume: string, path: string) =>
  `mount reported success, but ${volume} is not mounted at ${path}`
export const mountSilent = (volume: string, path: string) => `${volume} is mounted at ${path}, but does not answer`
/** `users`: what `usersKeeping` says. */
export const cannotBeUnmounted = (path: string, reason: string, users: string) =>
  `${path} cannot be unmounted: ${reason}${users}`
export const notBelowMountRoot = (path: string, mountRoot: string) =>
  `${path} is not below this host's mountRoot ${mountRoot}: use the same mountRoot in agent.yaml and scheduler.yaml`
export const mountInIt = (path: string, type: string) => `${path} (${type}) mounted in it`
export const processInIt = (pid: number, command: string, uid: number) => `process ${pid} (${command}) of uid ${uid}`

// Whether a node can swap
export const noSwapSupport = () => 'the kernel of this node does not support swap (CONFIG_SWAP)'
export const noLoopDevices = () =>
  'this node has no loop devices for swap (/dev/loop-control is missing): load the module loop'
export const cannotEncrypt = (lacks: string) =>
  `this node cannot encrypt swap: ${lacks}; install cryptsetup-bin and load dm-crypt, ` +
  'or allow swap in plain text (swap.plaintext in agent.yaml)'
export const noCryptsetup = () => 'cryptsetup is not installed'
export const noDeviceMapper = () => 'the kernel has no device mapper'

// Swap
export const noSwapFile = (path: string) => `there is no swap file in ${path}`
export const notAttached = (path: string) => `no loop device is attached to the swap file in ${path}`
export const cannotAllocate = (path: string, why: string) => `${path} cannot be allocated: ${why}`
export const notAllAllocated = (path: string, bytes: number) =>
  `fallocate reported success, but the file system has allocated fewer than ${bytes} bytes for ${path}`
export const noRoomForSwap = (volume: string, bytes: number) =>
  `no brick of ${volume} has ${bytes} bytes left for swap: request a larger capacity=`
export const encryptionRefused = (loop: string, stderr: string) =>
  `the kernel of this node refuses to encrypt swap on ${loop}: ${stderr}`
export const encryptionMissing = (device: string) =>
  `cryptsetup reported success, but swap on ${device} is not encrypted`
export const notEncrypted = (device: string) => `swap on ${device} is not encrypted`
export const swapRefused = (device: string, stderr: string) =>
  `the kernel of this node refuses swap on ${device}: ${stderr}`
export const swapIsOn = (device: string) => `swap on ${device} is still on`
export const swapoffFailed = (device: string, why: string) =>
  `${swapIsOn(device)}, because its contents must fit into the node's memory: ${why}`
export const encryptionInUse = (device: string) => `the encryption of ${device} cannot be closed: it is in use`
export const encryptionOpen = (device: string) => `the encryption of ${device} is still open`
export const loopsInUse = (devices: readonly string[]) => `${devices.join(', ')} cannot be detached: it is in use`
export const stillAttached = (device: string, file: string) => `${device} is still attached to ${file}`
