import { type BrickFacts, type DeviceFacts, Refusal } from '../agent/port/host.js'
import { mountedAtPath, stillServes } from '../agent/host/disk/messages.js'
import { labelOf } from '../agent/host/disk/xfs.js'
import { describeContent, mayWipe, whyNotFormat, whyNotTheDevice } from '../agent/plan/device.js'
import {
  canOnlyBeMountedReadOnly,
  cannotBeUsed,
  deviceHasPartitions,
  deviceHolds,
  deviceIsInUse,
  isNotWiped,
  notListed,
} from '../agent/plan/messages.js'
import { whyNotAdoptAt } from '../model/adoption.js'
import { brickMountPath } from '../model/cluster.js'
import type { DesiredAdopt } from '../model/documents/adopt.js'
import type { DesiredBrick } from '../model/documents/brick.js'
import { emptyFiles, type SimulatedDisk, type SimulatedMachine } from './machine.js'

/** Bricks on simulated disks: the same facts, refusals and crash windows as those of `agent/host/disk`. */

type Act = () => void

export function deviceFacts(machine: SimulatedMachine, name: string): DeviceFacts {
  const disk = machine.disks.get(name)
  if (!disk) return { present: false, reason: notListed() }
  const { identity, sizeBytes, partitions, users } = disk
  const elsewhere = [...machine.mounted].filter(([device, mounted]) => mounted === disk && device !== name)
  const busy = [...users, ...elsewhere.map(([device]) => mountedAtPath(brickMountPath(device)))]
  const unreadable = { kind: 'unreadable', reason: 'Input/output error' } as const
  const content = disk.condition === 'broken' ? unreadable : { ...disk.content }
  return { present: true, identity, sizeBytes, content, partitions: [...partitions], busy }
}

export function brickFacts(machine: SimulatedMachine, { device }: DesiredBrick): BrickFacts {
  const facts = deviceFacts(machine, device)
  const mounted = machine.mounted.get(device)
  if (!mounted) return { device: facts, directories: [] }
  const { stamp, directories } = mounted.files
  const servedBy = machine.served.get(device)
  return {
    device: facts,
    mounted: {
      thisDevice: mounted === machine.disks.get(device),
      readOnly: mounted.condition !== 'good',
      source: mounted.path,
    },
    ...(stamp === undefined ? {} : { stamp }),
    directories: [...directories.keys()],
    ...(servedBy ? { servedBy: { pid: servedBy.pid } } : {}),
  }
}

/** mkfs.xfs first writes a superblock that says it is not finished. */
export function format(machine: SimulatedMachine, brick: DesiredBrick, over: 'blank' | 'own'): Act[] {
  const write = (inProgress: boolean): Act => {
    return () => {
      const disk = wholeDisk(machine, brick)
      if (disk.partitions.length > 0) throw new Refusal(deviceHasPartitions(brick.device, disk.partitions))
      const why = whyNotFormat(disk.content, brick, inProgress ? over : 'own')
      if (why) throw why
      if (disk.condition === 'read-only') throw new Error('mkfs.xfs: pwrite failed: Operation not permitted')
      disk.content = { kind: 'xfs', uuid: brick.uuid, label: labelOf(brick.uuid), inProgress }
      disk.files = emptyFiles()
      disk.remains = true
    }
  }
  return [write(true), write(false)]
}

export function mount(machine: SimulatedMachine, brick: DesiredBrick): Act {
  return () => {
    const disk = listedDisk(machine, brick.device)
    const { content } = disk
    if (content.kind !== 'xfs' || content.uuid !== brick.uuid)
      throw new Refusal(deviceHolds(brick.device, describeContent(content)))
    if (content.inProgress || disk.condition === 'broken') throw new Error(`mount: ${disk.path}: can't read superblock`)
    const taken = [...machine.mounted.values()].some((other) => other !== disk && sameUuid(other, disk))
    if (machine.mounted.has(brick.device)) throw new Error(`mount: ${brickMountPath(brick.device)}: already mounted`)
    if (taken) throw new Error(`mount: ${disk.path}: a file system with that UUID is mounted already`)
    machine.mounted.set(brick.device, disk)
    if (disk.condition === 'read-only') throw new Refusal(canOnlyBeMountedReadOnly(brick.device))
  }
}

export function stamp(machine: SimulatedMachine, brick: DesiredBrick): Act {
  return () => {
    writable(machine, brick.device).files.stamp = brick.uuid
  }
}

export function makeDirectory(machine: SimulatedMachine, brick: DesiredBrick): Act {
  return () => {
    const { directories } = writable(machine, brick.device).files
    if (!directories.has(brick.directory)) directories.set(brick.directory, undefined)
  }
}

export function stopProcess(machine: SimulatedMachine, brick: DesiredBrick, pid: number): Act {
  return () => {
    if (machine.served.get(brick.device)?.pid === pid) machine.served.delete(brick.device)
  }
}

export function unmount(machine: SimulatedMachine, brick: DesiredBrick): Act {
  return () => {
    const serving = machine.served.get(brick.device)
    if (serving) throw new Error(stillServes('glusterfsd', serving.pid, brick.device))
    machine.mounted.delete(brick.device)
  }
}

/** `between`: everything between the ends; the other parts do not discard. */
export function wipe(machine: SimulatedMachine, brick: DesiredBrick, what: 'between' | 'ends'): Act {
  return () => {
    const disk = wholeDisk(machine, brick)
    if (disk.content.kind === 'blank') return
    if (!mayWipe(disk.content, brick.uuid)) throw new Refusal(deviceHolds(brick.device, describeContent(disk.content)))
    if (what === 'ends') erase(disk)
    else disk.remains = false
  }
}

export function adopt(machine: SimulatedMachine, wanted: DesiredAdopt, now: () => number): Act {
  return () => {
    const late = whyNotAdoptAt(now(), wanted.until)
    if (late !== undefined) throw new Refusal(isNotWiped(wanted.device, late))
    const disk = wholeDisk(machine, wanted)
    if (disk.content.kind === 'blank') return
    if (describeContent(disk.content) !== wanted.expected)
      throw new Refusal(deviceHolds(wanted.device, describeContent(disk.content)))
    erase(disk)
    disk.partitions = []
    if (wanted.wipe) disk.remains = false
  }
}

function erase(disk: SimulatedDisk): void {
  if (disk.condition !== 'good') throw new Error(`${disk.path}: Input/output error`)
  disk.content = { kind: 'blank' }
  disk.files = emptyFiles()
}

/** The disk, checked: it has the recorded identity and size, and nobody uses it. */
function wholeDisk(
  machine: SimulatedMachine,
  wanted: { device: string; identity: string; sizeBytes: number },
): SimulatedDisk {
  const disk = listedDisk(machine, wanted.device)
  const facts = deviceFacts(machine, wanted.device)
  const wrong = whyNotTheDevice(facts, wanted)
  if (wrong !== undefined || !facts.present) throw new Refusal(wrong ?? 'absent')
  if (facts.busy.length > 0) throw new Refusal(deviceIsInUse(wanted.device, facts.busy))
  if ([...machine.mounted.values()].includes(disk)) throw new Error(`${disk.path}: Device or resource busy`)
  if (facts.content.kind === 'unreadable') throw new Error(`${disk.path}: ${facts.content.reason}`)
  return disk
}

function listedDisk(machine: SimulatedMachine, device: string): SimulatedDisk {
  const disk = machine.disks.get(device)
  if (!disk) throw new Refusal(cannotBeUsed(device, notListed()))
  return disk
}

function writable(machine: SimulatedMachine, device: string): SimulatedDisk {
  const disk = machine.mounted.get(device)
  if (!disk) throw new Error(`${brickMountPath(device)}: nothing is mounted there`)
  if (disk.condition !== 'good') throw new Error(`${brickMountPath(device)}: Read-only file system`)
  return disk
}

function sameUuid(a: SimulatedDisk, b: SimulatedDisk): boolean {
  return a.content.kind === 'xfs' && b.content.kind === 'xfs' && a.content.uuid === b.content.uuid
}
