import type { DeviceContent } from '../agent/port/host.js'
import type { BrickTls, DirectSource } from '../model/documents/direct.js'

/*
 * Simulated machines: the state of a host, independent of its agent. Like disks, mounts and processes, it stays when an agent ends.
 * `turnOff` removes what a power cut removes: everything except the content of the disks.
 */
export interface SimulatedDisk {
  readonly name: string
  readonly path: string
  readonly pool: string
  readonly identity: string
  readonly sizeBytes: number
  content: DeviceContent
  /** The content of its file system, if it has one. */
  files: SimulatedFiles
  partitions: string[]
  /** Other users of the disk: `held by dm-0`. */
  users: string[]
  condition: 'good' | 'broken' | 'read-only'
  /** Whether some of a buffer's data is left between the ends. */
  remains: boolean
}

export interface SimulatedFiles {
  stamp?: string
  /** Exported directories, each with the volume whose mark it carries. */
  directories: Map<string, string | undefined>
  /** Directories in the exported one that are exports themselves, for the data plane `direct`. */
  exports: Set<string>
  /** The names of the files that users wrote. */
  data: Set<string>
}

export interface SimulatedProcess {
  pid: number
  volume: string
  /** Of the data plane `direct` alone: where it listens, and what it was started with. */
  port?: number
  /** Passwords, by export; with TLS, holders of certificates. */
  opens?: Map<string, string>
  tls?: BrickTls
  startedWith?: string
  /** It does not answer: it hangs for ever, or is slow for a while. */
  silent?: 'hung' | 'slow'
}

export interface SimulatedMachine {
  readonly name: string
  /** Disks by their name in the configuration. */
  readonly disks: Map<string, SimulatedDisk>
  /** Mounted file systems of bricks, by device. */
  readonly mounted: Map<string, SimulatedDisk>
  /** Brick processes, by device. */
  readonly served: Map<string, SimulatedProcess>
  /** Who may connect to the ports of volumes of the data plane `direct`, by volume. */
  readonly fences: Map<string, string>
  /** The site has a packet filter of its own, and the agents have none: whoever knows a login may connect. */
  hasOwnFilter: boolean
  /** Ports on which other programs listen. */
  readonly foreignPorts: Set<number>
  /** Buffers mounted on a compute node, by path. `isDead`: the client process has ended; `usedBy`: whose processes use the mount. */
  readonly clients: Map<
    string,
    {
      volume: string
      directory: string
      server: string
      /** Of the data plane `direct`, with where it finds the bricks. */
      export?: string
      bricks?: DirectSource['bricks']
      /** With TLS: what the client shows. */
      certificate?: string
      isDead: boolean
      usedBy?: 'user' | 'root'
    }
  >
  /** Volumes mounted on a storage host for transfers, by transfer, and the parts and attempts that are done there. */
  readonly transfers: Map<string, { volume: string; done: Set<string> }>
  /** The counts that every transfer reports here. */
  staged: { files: number; bytes: number; failures: string[] }
  /** Swap files of this host and their loop devices, by the path of the mount that holds them. */
  readonly swaps: Map<
    string,
    { file: 'none' | 'begun' | 'whole'; isAttached: boolean; isEncrypted: boolean; isOn: boolean }
  >
  isOn: boolean
  /** How often the machine was turned on. */
  boots: number
  /** Whether its network is connected. */
  isConnected: boolean
  glusterd: 'running' | 'dead'
}

export function emptyFiles(): SimulatedFiles {
  return { directories: new Map(), exports: new Set(), data: new Set() }
}

export function aDisk(machine: string, name: string, pool: string, sizeBytes: number, serial = name): SimulatedDisk {
  return {
    name,
    path: `/dev/${name}`,
    pool,
    identity: `serial:${machine}-${serial}`,
    sizeBytes,
    content: { kind: 'blank' },
    files: emptyFiles(),
    partitions: [],
    users: [],
    condition: 'good',
    remains: false,
  }
}

export interface MachineParts {
  name: string
  /** How many disks, named nvme1n1, nvme2n1, … */
  disks?: number
  pool?: string
  sizeBytes?: number
}

export function aMachine({
  name,
  disks = 0,
  pool = 'dedicated_nvme',
  sizeBytes = 1e12,
}: MachineParts): SimulatedMachine {
  const names = Array.from({ length: disks }, (_, index) => `nvme${index + 1}n1`)
  return {
    name,
    disks: new Map(names.map((disk) => [disk, aDisk(name, disk, pool, sizeBytes)])),
    mounted: new Map(),
    served: new Map(),
    fences: new Map(),
    hasOwnFilter: false,
    foreignPorts: new Set(),
    clients: new Map(),
    transfers: new Map(),
    staged: { files: 1, bytes: 1, failures: [] },
    swaps: new Map(),
    isOn: true,
    boots: 1,
    isConnected: true,
    glusterd: 'running',
  }
}

/** Cuts the power: processes and mounts are gone, the content of the disks stays. */
export function turnOff(machine: SimulatedMachine): void {
  machine.isOn = false
  machine.mounted.clear()
  machine.served.clear()
  machine.fences.clear()
  machine.clients.clear()
  machine.transfers.clear()
  for (const swap of machine.swaps.values()) swap.isAttached = swap.isEncrypted = swap.isOn = false
}

export function turnOn(machine: SimulatedMachine): void {
  machine.isOn = true
  machine.boots++
  machine.glusterd = 'running'
}

export function bootOf({ boots }: SimulatedMachine): string {
  return `boot-${boots}`
}
