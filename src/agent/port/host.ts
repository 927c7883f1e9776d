import type { Desired, DesiredKind } from '../../model/documents/desired.js'
import type { InventoryDevice, InventoryDocument } from '../../model/documents/inventory.js'
import type { TransferCounts } from '../../model/documents/transferFields.js'
import type { WipeProgress } from '../../model/documents/wipe.js'
import type { StepArgs, StepKind } from './steps.js'

/*
 * What the agent's brain knows of a host: facts that it asks for, and effects that it orders. The real host
 * (`host/`) and the simulated one (`src/simulated/`) stand behind this same interface.
 */

/** What a whole device holds, read from the device itself. */
export type DeviceContent =
  | { kind: 'blank' }
  /**
   * An XFS file system; ours when its label begins with `bb-`. `inProgress`: its superblock says that mkfs has not
   * finished (sb_inprogress), as after a mkfs that was killed.
   */
  | { kind: 'xfs'; uuid: string; label: string; inProgress: boolean }
  /** Any other signature, partition table, or bytes that are not zero at either end; `what` describes it in words. */
  | { kind: 'other'; what: string }
  | { kind: 'unreadable'; reason: string }

interface AbsentDevice {
  present: false
  reason: string
}

interface PresentDevice {
  present: true
  identity: string
  sizeBytes: number
  /** Names of its partitions, as the kernel knows them. */
  partitions: string[]
  /** Who else uses it: a mount elsewhere (in any mount namespace), a holder, an exclusive open. */
  busy: string[]
}

/** What the kernel says of a device. */
export type DeviceState = AbsentDevice | PresentDevice

/** And what it holds. */
export type DeviceFacts = AbsentDevice | (PresentDevice & { content: DeviceContent })

export interface BrickFacts {
  device: DeviceFacts
  /**
   * What is mounted at the brick's mount path, if anything. `unreadable`: why its stamp and directories are not known.
   */
  mounted?: { thisDevice: boolean; readOnly: boolean; source: string; unreadable?: string }
  /** The uuid in the stamp file, when the brick is mounted and has one. */
  stamp?: string
  /** Brick directories in the mounted file system that are complete (owner and mode set). */
  directories: string[]
  /** The process that serves this brick, if one runs. */
  servedBy?: { pid: number }
  /** A mkfs of this brick is running that an earlier agent began a moment ago. */
  beingFormatted?: true
  /** A wipe of this brick that takes long is under way. */
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
  /** Which of the desired directories exist; empty unless the volume is started. */
  directories: string[]
  /** Bricks that are not online; empty unless the volume is started. */
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
  /** Directories of exports that are made whole on each brick that is ready. */
  directories: string[]
  /** The document's clients may connect to the bricks' ports, and nobody else. */
  isFenced: boolean
  /** Some rule of the fence, or some file of its processes, is left. Only asked when the volume is wanted absent. */
  isLeft?: boolean
  /** Why no client would believe the document's certificates now, if so. */
  isNotValid?: string
  /** Some process that serves a brick shows an older certificate than the document has. */
  haveOldCertificates?: true
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
  /** It has not answered for long, and does nothing: nobody is served until it is started again. */
  hangs?: boolean
  /** The size of its file system, as statfs says; of one that is ready. */
  totalBytes?: number
  /** No process serves it, and something else listens on its port. */
  isPortTaken?: boolean
}

export interface MountFacts {
  /** What is mounted at the path, if anything, as the mount table says. */
  mounted?: { source: string; type: string }
  /** Whether a child process could read the mounted root in time. */
  alive: boolean
  /** Its client shows an older certificate than the document has. */
  hasOldCertificate?: true
  /** Nothing is mounted there, and something of its client is left. Only asked when it is wanted absent. */
  isLeft?: boolean
  /** The size that it shows, as statfs says; only of one that says how much it is to show at least. */
  shownBytes?: number
  /** Loop devices attached to files in it; only for the place of swap files. */
  loops?: string[]
  /**
   * When the grace of its job's leftovers is over: the signal for users' processes, and users' mounts below it to
   * unmount, in order.
   */
  leftovers?: { signal: 'SIGTERM' | 'SIGKILL'; below: string[] } | undefined
  /** Another document of this host wants it mounted there too. The agent adds this fact, not the host. */
  isWantedElsewhere?: boolean
}

export interface SwapFacts {
  /** Why this host does not support swap, if so; only checked when swap is wanted and not on yet. */
  unsupported?: string
  /** Swap in plain text is not allowed on this host. */
  mustEncrypt: boolean
  /** The volume's directory is mounted at the path. */
  isMounted: boolean
  /** Swap files of this host in it. `isWhole`: the file has the wanted size and is allocated. */
  files: { isWhole: boolean }[]
  /**
   * Loop devices that are attached to them, and whether swap is on, on each or on the mapping that encrypts it.
   * `begun`: an incomplete mapping.
   */
  loops: { device: string; isOn: boolean; mapping?: 'whole' | 'begun' }[]
}

export interface PeerFacts {
  unavailable?: string
  known: boolean
  connected: boolean
  /** This host knows no peer at all. */
  isAlone: boolean
}

export interface TransferFacts {
  /** Why this host cannot stage at all, if so. */
  refused?: string
  /** What is mounted for it shows an older certificate than the document's. */
  hasOldCertificate?: true
  /** The volume is mounted for this transfer; `isDead`: but does not answer. */
  mounted: boolean
  isDead?: boolean
  /** The progress of the wanted part and attempt, if it is under way. */
  running?: TransferTally
  /** Number of processes of this transfer that are not wanted, for example those of an agent that died. */
  orphans: number
  /** The result of the wanted part and attempt, if its notes say that it has ended. */
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
  /** The wipe began in time, and only the ends are left: the adoption does not expire while it runs. */
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
  /** Paths and globs in the configuration without a device, in words. */
  problems: string[]
}

export type HostSurvey = Pick<InventoryDocument, 'volumes' | 'served' | 'mounts' | 'cut'>

/**
 * A host as the agent's brain sees it: facts to ask for, and effects to order. The real one is `host/`, the simulated
 * one `src/simulated/`.
 */
export interface Host {
  readonly name: string
  /** Changes with each restart, when all processes and mounts are gone; undefined if unknown. */
  readonly boot?: string | undefined
  /**
   * Versions of what the agent drives, by name (`kernel`, and the data plane's own), for the host's document. What
   * cannot be asked is left out.
   */
  versions(): Promise<Record<string, string>>
  /**
   * Every device that the configuration lists, with what it holds. Only reads. `only`: the names of those that may have
   * changed; the others may be as they were found before.
   */
  discover(only?: readonly string[]): Promise<Discovery>
  /**
   * All mounts and volumes of this host, also those that no document asks for; a host that does not know has no such
   * method. Without volumes if the data plane does not answer.
   */
  survey?(): Promise<HostSurvey>
  observe: Observe
  effects: Effects
}

/** Facts about one desired document, observed again with each call. Never changes anything. */
export type Observe = { [K in DesiredKind]: (desired: Desired[K]) => Promise<Facts[K]> }

/**
 * What each step does (`StepArgs`). Each may be repeated, also after it was cut short. They throw `Refusal` when the
 * host must not or cannot do it until something changes, and any other error when a retry may help.
 */
export type Effects = { [K in StepKind]: (args: StepArgs[K]) => Promise<void> }

/**
 * Terminal until the desired document or the host changes: the message says what an operator can do. The agent does not
 * try again by itself.
 */
export class Refusal extends Error {
  override name = 'Refusal'
}

/** An attempt to create the volume has left a mark on a brick directory: only new directories help. */
export class BrickMarked extends Refusal {
  override name = 'BrickMarked'
}

/**
 * Another transaction holds the lock, or the answer timed out. Not a failure: observe again to see whether the command
 * was done.
 */
export class Busy extends Error {
  override name = 'Busy'
}

/** Something that the work needs is unavailable now, and may return: the message names it. */
export class Unavailable extends Error {
  override name = 'Unavailable'
}
