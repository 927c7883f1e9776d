import type { DesiredAdopt } from '../../model/documents/adopt.js'
import type { DesiredBrick } from '../../model/documents/brick.js'
import type { DesiredMount } from '../../model/documents/mount.js'
import type { DesiredPeer } from '../../model/documents/peer.js'
import type { DesiredSwap } from '../../model/documents/swap.js'
import type { DesiredTransfer } from '../../model/documents/transfer.js'
import type { DirectVolume, GlusterfsVolume } from '../../model/documents/volume.js'

/** All steps that an agent takes on its host, each with its arguments. */
export interface StepArgs {
  /**
   * mkfs.xfs with the brick's uuid. `over: 'own'` only when the device carries that very uuid already (a format cut
   * short).
   */
  formatBrick: { brick: DesiredBrick; over: 'blank' | 'own' }
  mountBrick: { brick: DesiredBrick }
  /** Write and sync the stamp file: from here on the brick counts as formatted. */
  stampBrick: { brick: DesiredBrick }
  /** Make the exported directory with the buffer's owner and mode. */
  makeBrickDirectory: { brick: DesiredBrick }
  /** End a process that still serves a brick whose volume is deleted. */
  stopBrickProcess: { brick: DesiredBrick; pid: number }
  unmountBrick: { brick: DesiredBrick }
  /**
   * Discard, zero both ends, and check that they are zero. The first step of a wipe that takes long begins it, and does
   * not wait; a later step zeroes the ends.
   */
  wipeBrick: { brick: DesiredBrick }
  createVolume: { volume: GlusterfsVolume }
  setVolumeOptions: { volume: GlusterfsVolume; options: Record<string, string> }
  /** `force` starts the missing brick processes of a volume that is started already. */
  startVolume: { volume: GlusterfsVolume; force: boolean }
  /** Make the desired directories in a started volume, with their owners and modes. */
  makeDirectories: { volume: GlusterfsVolume }
  stopVolume: { volume: GlusterfsVolume }
  deleteVolume: { volume: GlusterfsVolume }
  probePeer: { peer: DesiredPeer }
  /** Make the exports' directories on this host's bricks, with their owners and modes. */
  makeExports: { volume: DirectVolume }
  /** Let the document's clients, and nobody else, connect to the ports of its bricks. */
  admitClients: { volume: DirectVolume }
  /** Start the process that serves a brick, on its port. */
  startBrick: { volume: DirectVolume; device: string }
  /** Give the processes that serve the volume the document's certificates. */
  renewCertificates: { volume: DirectVolume }
  /**
   * End a process that serves a brick of the volume otherwise than the document says, or though it says that none
   * shall, or that hangs.
   */
  stopBrick: { volume: DirectVolume; device: string; pid: number; hangs?: true }
  /** Let nobody connect to the volume's ports, and forget what its processes were started with. */
  closePorts: { volume: DirectVolume }
  mountBuffer: { mount: DesiredMount }
  /** Give the client of a mount the document's certificate. */
  renewCertificate: { mount: DesiredMount }
  unmountBuffer: { mount: DesiredMount }
  /** End users' processes, never root's, that use a mount which is to be removed. */
  signalMountUsers: { mount: DesiredMount; signal: 'SIGTERM' | 'SIGKILL' }
  /** Unmount a user's FUSE mount in a mount which is to be removed. A failure shows in the unmount that follows. */
  unmountBelow: { mount: DesiredMount; below: string }
  /** Create the file, with every byte allocated. */
  allocateSwap: { swap: DesiredSwap }
  /** Attach the file to a loop device. */
  attachSwap: { swap: DesiredSwap }
  /** Create a mapping on the loop device that encrypts, with a key that is stored nowhere. */
  encryptSwap: { swap: DesiredSwap }
  /** mkswap, swapon. */
  enableSwap: { swap: DesiredSwap }
  disableSwap: { swap: DesiredSwap }
  /** Remove the mapping. */
  closeSwap: { swap: DesiredSwap }
  detachSwap: { swap: DesiredSwap }
  removeSwap: { swap: DesiredSwap }
  /** Wipe a foreign device that an operator adopted by name, like wipeBrick. */
  adoptDevice: { adopt: DesiredAdopt }
  /** Mount the buffer on this storage host, only for that transfer. */
  mountTransfer: { transfer: DesiredTransfer }
  /** Give the clients of a transfer the document's certificate. */
  renewTransferCertificate: { transfer: DesiredTransfer }
  /** This step and the next two begin their part of a transfer, and do not wait for its end. */
  scanTransfer: { transfer: DesiredTransfer }
  copyTransfer: { transfer: DesiredTransfer }
  finishTransfer: { transfer: DesiredTransfer }
  /** End processes of a transfer that do not belong to the wanted part and attempt. */
  stopTransfer: { transfer: DesiredTransfer }
  /** End the processes of a transfer, remove its notes, and unmount. */
  endTransfer: { transfer: DesiredTransfer }
}
export type StepKind = keyof StepArgs
export type Step = { [K in StepKind]: { kind: K } & StepArgs[K] }[StepKind]

/** Invariant 4: before each of these the desired document is read again, linearizably, and must still say so. */
export const isDestructive: Record<StepKind, boolean> = {
  formatBrick: true,
  mountBrick: false,
  stampBrick: false,
  makeBrickDirectory: false,
  stopBrickProcess: true,
  unmountBrick: true,
  wipeBrick: true,
  createVolume: false,
  setVolumeOptions: false,
  startVolume: false,
  makeDirectories: false,
  stopVolume: true,
  deleteVolume: true,
  probePeer: false,
  makeExports: false,
  admitClients: false,
  startBrick: false,
  renewCertificates: false,
  stopBrick: true,
  closePorts: true,
  mountBuffer: false,
  renewCertificate: false,
  unmountBuffer: true,
  signalMountUsers: true,
  unmountBelow: true,
  allocateSwap: false,
  attachSwap: false,
  encryptSwap: false,
  // Not destructive itself, but swap that is turned on after it was to be removed would block the unmount.
  enableSwap: true,
  disableSwap: true,
  closeSwap: true,
  detachSwap: true,
  removeSwap: true,
  adoptDevice: true,
  mountTransfer: false,
  renewTransferCertificate: false,
  scanTransfer: false,
  copyTransfer: false,
  finishTransfer: false,
  stopTransfer: true,
  endTransfer: true,
}

/** A step as a sentence, for logs and for tests. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'formatBrick':
      return `format ${step.brick.device} for buffer ${step.brick.buffer.name}${step.over === 'own' ? ' again' : ''}`
    case 'mountBrick':
      return `mount ${step.brick.device}`
    case 'stampBrick':
      return `stamp ${step.brick.device}`
    case 'makeBrickDirectory':
      return `make ${step.brick.directory} on ${step.brick.device}`
    case 'stopBrickProcess':
      return `stop process ${step.pid} of brick ${step.brick.device}`
    case 'unmountBrick':
      return `unmount ${step.brick.device}`
    case 'wipeBrick':
      return `wipe ${step.brick.device}`
    case 'createVolume':
      return `create volume ${step.volume.volume}`
    case 'setVolumeOptions':
      return `set ${Object.keys(step.options).join(', ')} of volume ${step.volume.volume}`
    case 'startVolume':
      return `start volume ${step.volume.volume}${step.force ? ' by force' : ''}`
    case 'makeDirectories':
      return `make ${(step.volume.directories ?? []).map(({ path }) => path).join(', ')} in volume ${step.volume.volume}`
    case 'stopVolume':
      return `stop volume ${step.volume.volume}`
    case 'deleteVolume':
      return `delete volume ${step.volume.volume}`
    case 'probePeer':
      return `probe peer ${step.peer.peer}`
    case 'makeExports':
      return `make the exports of volume ${step.volume.volume}`
    case 'admitClients':
      return `admit ${step.volume.clients.length} addresses to the ports of volume ${step.volume.volume}`
    case 'startBrick':
      return `serve brick ${step.device} of volume ${step.volume.volume}`
    case 'renewCertificates':
      return `renew the certificates of volume ${step.volume.volume}`
    case 'stopBrick':
      return `stop process ${step.pid} of brick ${step.device} of volume ${step.volume.volume}${step.hangs ? ', which hangs' : ''}`
    case 'closePorts':
      return `close the ports of volume ${step.volume.volume}`
    case 'mountBuffer':
      return `mount ${step.mount.volume} at ${step.mount.path}`
    case 'renewCertificate':
      return `renew the certificate of ${step.mount.path}`
    case 'unmountBuffer':
      return `unmount ${step.mount.path}`
    case 'signalMountUsers':
      return `send ${step.signal} to users' processes in ${step.mount.path}`
    case 'unmountBelow':
      return `unmount ${step.below}, which a user mounted in ${step.mount.path}`
    case 'allocateSwap':
      return `allocate ${step.swap.sizeBytes} bytes of swap in ${step.swap.path}`
    case 'attachSwap':
      return `attach the swap file in ${step.swap.path}`
    case 'encryptSwap':
      return `encrypt the swap in ${step.swap.path}`
    case 'enableSwap':
      return `turn swap in ${step.swap.path} on`
    case 'disableSwap':
      return `turn swap in ${step.swap.path} off`
    case 'closeSwap':
      return `close the encryption of the swap in ${step.swap.path}`
    case 'detachSwap':
      return `detach the swap file in ${step.swap.path}`
    case 'removeSwap':
      return `remove the swap file in ${step.swap.path}`
    case 'adoptDevice':
      return `adopt ${step.adopt.device}`
    case 'mountTransfer':
      return `mount ${step.transfer.volume} for transfer ${nameOf(step.transfer)}`
    case 'scanTransfer':
      return `begin to scan for transfer ${nameOf(step.transfer)}`
    case 'copyTransfer':
      return `begin to copy share ${step.transfer.share.index} of transfer ${nameOf(step.transfer)}`
    case 'finishTransfer':
      return `begin to finish transfer ${nameOf(step.transfer)}`
    case 'stopTransfer':
      return `stop what runs of transfer ${nameOf(step.transfer)}`
    case 'renewTransferCertificate':
      return `renew the certificate of transfer ${nameOf(step.transfer)}`
    case 'endTransfer':
      return `end transfer ${nameOf(step.transfer)}`
  }
}

function nameOf({ session, transfer }: DesiredTransfer): string {
  return `${session.token}.${transfer}`
}
