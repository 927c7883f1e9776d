import type { DeviceContent } from '../agent/port/host.js'

/*
 * Simulated machines: what a host holds, apart from any agent that serves it. Programs come and go; this stays, as disks,
 * mounts and processes do. `turnOff` takes what a power cut takes: everything but what is on the disks.
 */
export interface SimulatedDisk {
  readonly name: string
  readonly path: string
  readonly pool: string
  readonly identity: string
  readonly sizeBytes: number
  content: DeviceContent
  /** What is in its file system, when it has one. */
  files: SimulatedFiles
  partitions: string[]
  /** Who else has it: `held by dm-0`. */
  users: string[]
  condition: 'good' | 'broken' | 'read-only'
  /** Something of a buffer's data is left between the ends. */
  remains: boolean
}

export interface SimulatedFiles {
  stamp?: string
  /** Exported directories, each with the volume that left its mark on it. */
  directories: Map<string, string | undefined>
  /** Directories in the exported one that are exports themselves, for the data plane `direct`. */
  exports: Set<string>
  /** What users wrote: the names of files. */
  data: Set<string>
}

export interface SimulatedProcess {
  pid: number
  volume: string
  /** Of the data plane `direct` alone: where it listens, and what it was started with. */
  port?: number
  /** Passwords, by export. */
  logins?: Map<string, string>
  startedWith?: string
}

export interface SimulatedMachine {
  readonly name: string
  /** By the name that the configuration lists. */
  readonly disks: Map<string, SimulatedDisk>
  /** Brick file systems, by the device that each is mounted for. */
  readonly mounted: Map<string, SimulatedDisk>
  /** Brick processes, by device. */
  readonly served: Map<string, SimulatedProcess>
  /** Who may connect to the ports of volumes of the data plane `direct`, by volume. */
  readonly fences: Map<string, string>
  /** Ports that programs of others listen on. */
  readonly foreignPorts: Set<number>
  /** Buffers mounted on a compute node, by path. `isDead`: its client process is gone; `usedBy`: whose processes are in it. */
  readonly clients: Map<
    string,
    {
      volume: string
      directory: string
      server: string
      /** Of the data plane `direct`, with the hosts of the bricks. */
      export?: string
      servers?: string[]
      isDead: boolean
      usedBy?: 'user' | 'root'
    }
  >
  /** Volumes mounted on a storage host for transfers, by transfer, and which parts and attempts are done there. */
  readonly transfers: Map<string, { volume: string; done: Set<string> }>
  /** What every transfer copies here. */
  staged: { files: number; bytes: number; failures: string[] }
  /** Swap files of this host and their loop devices, by the path of the mount that holds them. */
  readonly swaps: Map<
    string,
    { file: 'none' | 'begun' | 'whole'; isAttached: boolean; isEncrypted: boolean; isOn: boolean }
  >
  isOn: boolean
  /** How often it was turned on. */
  boots: number
  /** Its network cable is in. */
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

/** Pulls the plug: processes and mounts are gone, and what is on the disks stays. */
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
