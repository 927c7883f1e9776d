import type { Desired, DesiredKind } from '../../model/documents/desired.js'
import type { InventoryDevice, InventoryDocument } from '../../model/documents/inventory.js'
import type { TransferCounts } from '../../model/documents/transferFields.js'
import type { WipeProgress } from '../../model/documents/wipe.js'
import type { StepArgs, StepKind } from './steps.js'

/*
 * What the agent's brain knows of a host: facts that it asks for, and effects that it orders. The real host
 * (`host/`) and the simulated one (`src/simulated/`) stand behind this same interface.
 */

/** What a whole device holds, as asked from the device itself. */
export type DeviceContent =
  | { kind: 'blank' }
  /**
   * An XFS file system; ours when its label begins with `bb-`. `inProgress`: its superblock says that mkfs has not
   * finished (sb_inprogress), as after a mkfs that was killed.
   */
  | { kind: 'xfs'; uuid: string; label: string; inProgress: boolean }
  /** Any other signature, partition table, or bytes that are not zero at either end; `what` names it for people. */
  | { kind: 'other'; what: string }
  | { kind: 'unreadable'; reason: string }

export type DeviceFacts =
  | { present: false; reason: string }
  | {
      present: true
      identity: string
      sizeBytes: number
      content: DeviceContent
      /** Partitions that the kernel knows on it. */
      partitions: string[]
      /** Who else has it: a mount elsewhere (in any mount namespace), a holder, an exclusive open. */
      busy: string[]
    }

export interface BrickFacts {
  device: DeviceFacts
  /** What is mounted at the brick's mount path, if anything. `unreadable`: why its stamp and directories are not known. */
  mounted?: { thisDevice: boolean; readOnly: boolean; source: string; unreadable?: string }
  /** The uuid in the stamp file, when the brick is mounted and has one. */
  stamp?: string
  /** Brick directories in the mounted file system that are complete (owner and mode set). */
  directories: string[]
  /** The process that serves this brick, if one runs. */
  servedBy?: { pid: number }
  /** A mkfs of this very brick runs, which an agent that has died since began a moment ago. */
  beingFormatted?: true
  /** A wipe of this very brick that takes long is under way. */
  wiping?: WipeProgress
}

export type VolumeFacts = GlusterfsVolumeFacts | DirectVolumeFacts

export interface GlusterfsVolumeFacts {
  type?: 'glusterfs'
  /** Why nobody could be asked, if so: then nothing else here is known. */
  unavailable?: string
  exists: boolean
  status?: 'created' | 'started' | 'stopped'
  /** `host:path` in the volume's order. */
  bricks: string[]
  options: Record<string, string>
  /** Those of the desired directories that are made; only asked of a started volume. */
  directories: string[]
  /** Bricks that are not online. Only asked of a started volume. */
  offline: string[]
  /** Storage hosts that can make a volume together with this one, which is among them. */
  connectedPeers: string[]
}

export interface DirectVolumeFacts {
  type: 'direct'
  /** Why this host can serve nothing now, if so: then nothing else here is known. */
  unavailable?: string
  /** The document's bricks, in its order. */
  bricks: DirectBrickFacts[]
  /** Processes of this host that serve the volume from bricks that the document does not name. */
  others: { device: string; pid: number }[]
  /** Directories of exports that are made on each of the bricks, with their owners and modes. */
  directories: string[]
  /** The document's clients may connect to the bricks' ports, and nobody else. */
  isFenced: boolean
  /** Some rule of the fence, or some file of its processes, is left. Only asked when the volume is wanted absent. */
  isLeft?: boolean
  /** The boot that all this was seen under, by this host's name. */
  boots?: Record<string, string>
}

export interface DirectBrickFacts {
  device: string
  /** The absolute path that clients are served from. */
  path: string
  /** Its file system is mounted and stamped, and its directory made. */
  isReady: boolean
  /** The process that serves it. `isCurrent`: it was started with what the document says now. */
  process?: { pid: number; isCurrent: boolean }
  /** It lets a client with the right login in, by its port: asked only when a process runs. */
  answers: boolean
  /** No process serves it, and something else listens on its port. */
  isPortTaken?: boolean
}

export interface MountFacts {
  /** What is mounted at the path, if anything, as the mount table says. */
  mounted?: { source: string; type: string }
  /** A child process could read the mounted root in time. */
  alive: boolean
  /** Loop devices attached to files in it: only asked of the place of swap files. */
  loops?: string[]
  /** What its job left in it has had its grace: the signal for users' processes, and users' mounts below it to take off, in order. */
  leftovers?: { signal: 'SIGTERM' | 'SIGKILL'; below: string[] } | undefined
  /** Another document of this host wants it mounted there too. No host tells that: the agent does. */
  isWantedElsewhere?: boolean
}

export interface SwapFacts {
  /** Why this host can have no swap at all, if so: only asked where it is wanted and not on yet. */
  unsupported?: string
  /** Swap in clear is not allowed here. */
  mustEncrypt: boolean
  /** The volume's directory is mounted at the path. */
  isMounted: boolean
  /** Swap files of this host in it; whole: as large as wanted, and allocated. */
  files: { isWhole: boolean }[]
  /**
   * Loop devices that are attached to them, and whether the kernel swaps on each, or on the mapping that encrypts it. `begun`:
   * a mapping that was not made whole.
   */
  loops: { device: string; isOn: boolean; mapping?: 'whole' | 'begun' }[]
}

export interface PeerFacts {
  unavailable?: string
  known: boolean
  connected: boolean
}

export interface TransferFacts {
  /** Why this host serves no transfer, whoever asks. */
  refused?: string
  /** The volume is mounted for this transfer; `isDead`: and does not answer. */
  mounted: boolean
  isDead?: boolean
  /** What this agent is doing of the wanted part and attempt, now. */
  running?: TransferTally
  /** Processes of this transfer that belong to nothing that is wanted, as of an agent that died. */
  orphans: number
  /** The wanted part and attempt has come to its end, as its notes say. */
  done?: TransferTally
}

export interface TransferTally {
  counts: TransferCounts
  failures: string[]
}

export interface AdoptFacts {
  device: DeviceFacts
  /** Unix seconds, by this host's clock. */
  now: number
  /** A wipe that takes long is under way. */
  wiping?: WipeProgress
  /** It was begun in time, and only the ends are left: the hours that it took end no adoption. */
  isAllButWiped?: true
}

export interface Facts {
  brick: BrickFacts
  volume: VolumeFacts
  mount: MountFacts
  peer: PeerFacts
  adopt: AdoptFacts
  transfer: TransferFacts
  swap: SwapFacts
}

export interface Discovery {
  devices: InventoryDevice[]
  /** What of the configuration leads to no device. */
  problems: string[]
}

export type HostSurvey = Pick<InventoryDocument, 'volumes' | 'mounts' | 'cut'>

/**
 * A host as the agent's brain sees it: facts to ask for, and effects to order. The real one is `host/`, the simulated
 * one `src/simulated/`.
 */
export interface Host {
  readonly name: string
  /** Changes when all processes and mounts are gone; a host that cannot tell has none. */
  readonly boot?: string | undefined
  /**
   * Versions of what the agent drives, by name (`kernel`, and the data plane's own), for the host's document. What cannot be asked
   * is left out.
   */
  versions(): Promise<Record<string, string>>
  /** Every device that the configuration lists, with what it holds. Only reads. */
  discover(): Promise<Discovery>
  /**
   * Mounts and volumes that are there, whoever asked for them; a host that cannot tell has no such method. What does
   * not answer is left out.
   */
  survey?(): Promise<HostSurvey>
  observe: Observe
  effects: Effects
}

/** Facts about one desired thing, asked anew with each call. Never changes anything. */
export type Observe = { [K in DesiredKind]: (desired: Desired[K]) => Promise<Facts[K]> }

/**
 * What each step does (`StepArgs`), each safe to run again, also after it was cut short. They throw `Refusal` when the host must not
 * or can not do it until something changes, and any other error when trying again may help.
 */
export type Effects = { [K in StepKind]: (args: StepArgs[K]) => Promise<void> }

/**
 * Terminal until the desired document or the host changes: the message says what an operator can do. The agent does not
 * try again by itself.
 */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** An attempt to make the volume has spoilt a brick directory: only fresh directories help. */
export class BrickMarked extends Refusal {
  override name = 'BrickMarked'
}

/**
 * Somebody else has what one alone may have, or an answer did not come in time: not a failure. Whether the command was done
 * will show: look again.
 */
export class Busy extends Error {
  override name = 'Busy'
}

/** What the work is done with is not there now, and may come back: the message names what is waited for. */
export class Unavailable extends Error {
  override name = 'Unavailable'
}
