import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { InventoryDevice } from '../../../model/documents/inventory.js'
import { brickMountPath } from '../../../model/cluster.js'
import { deviceName } from '../../../model/names.js'
import type { Discovery } from '../../port/host.js'
import { describeContent } from '../../plan/device.js'
import { deviceFacts } from './deviceFacts.js'
import { resolveDevice, uniqueNameOf, writesSeen } from './blockDevice.js'
import { type MountEntry, mountsEverywhere, mountTable } from '../exec/mounts.js'
import type { Run } from '../exec/run.js'
import type { AbilitiesOf } from './wipeAbilities.js'
import { hasPartitions, isInUse, isUnreadable } from '../../plan/messages.js'
import {
  listedInTwoPools,
  listedTwice,
  matchesNoDevice,
  noSuchDirectory,
  notADeviceName,
  poolProblem,
  sameName,
} from './messages.js'
import { isOurLabel } from './xfs.js'

/** For each pool: paths, and globs in the last part of a path. */
export type Pools = Readonly<Record<string, readonly string[]>>

interface Listed {
  name: string
  path: string
  pool: string
}

/** What was seen of each device, by its path. */
export type SeenDevices = Map<string, InspectedDevice>

/**
 * Every device that the configuration lists, with what it holds. Opens no device exclusively: that would disturb a
 * mkfs. `only`: the names of those that are inspected; of the others it gives what was `seen` last. A disk that was blank is
 * not read again while the kernel has seen no write to it, unless `only` names it; whoever formats it reads it in any case.
 */
export async function discover(
  pools: Pools,
  run: Run,
  abilitiesOf: AbilitiesOf,
  { only, seen = new Map() }: { only?: readonly string[] | undefined; seen?: SeenDevices } = {},
): Promise<Discovery> {
  const mounts = { everywhere: await mountsEverywhere(), table: await mountTable() }
  const { listed, problems } = await list(pools)
  const inspected: InspectedDevice[] = []
  // One after the other: a routine scan must not use memory and disk queues for all devices at once.
  for (const device of listed) {
    const isNamed = only?.includes(device.name) ?? false
    const before = isNamed ? undefined : seen.get(device.path)
    const isKnown = only !== undefined && before?.device.pool === device.pool
    inspected.push(isKnown ? before : await inspect(device, mounts, run, abilitiesOf, before))
  }
  seen.clear()
  for (const [index, { path }] of listed.entries()) seen.set(path, inspected[index]!)
  const missing = inspected.filter(({ isMissing }) => isMissing)
  const devices = refuseDoubles(inspected).map(({ device }) => device)
  return {
    devices: devices.sort((a, b) => (a.name < b.name ? -1 : 1)),
    problems: [...problems, ...missing.map(({ device }) => poolProblem(device.pool, device.reason!))],
  }
}

/** The configured path of each device name. Leaves out a name that two paths share. */
export async function pathsByName(pools: Pools): Promise<Map<string, string>> {
  const paths = new Map<string, string>()
  const doubled = new Set<string>()
  for (const { name, path } of (await list(pools)).listed) {
    if (paths.has(name) && paths.get(name) !== path) doubled.add(name)
    paths.set(name, path)
  }
  for (const name of doubled) paths.delete(name)
  return paths
}

/** `problems`: globs without a match, each with its place in the configuration. */
async function list(pools: Pools): Promise<{ listed: Listed[]; problems: string[] }> {
  const listed: Listed[] = []
  const problems: string[] = []
  for (const [pool, patterns] of Object.entries(pools)) {
    const paths = new Set<string>()
    for (const pattern of patterns) {
      const expanded = await expand(pattern)
      if ('problem' in expanded) problems.push(poolProblem(pool, `${pattern}: ${expanded.problem}`))
      else for (const path of expanded.paths) paths.add(path)
    }
    for (const path of paths) listed.push({ name: basename(path), path, pool })
  }
  return { listed, problems }
}

async function expand(pattern: string): Promise<{ paths: string[] } | { problem: string }> {
  if (!/[*?[]/.test(pattern)) return { paths: [pattern] }
  const directory = dirname(pattern)
  const matches = globPattern(basename(pattern))
  let names
  try {
    names = await readdir(directory)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { problem: code === 'ENOENT' ? noSuchDirectory() : message }
  }
  const paths = names.filter((name) => matches.test(name)).map((name) => join(directory, name))
  return paths.length > 0 ? { paths } : { problem: matchesNoDevice() }
}

/** `*`, `?` and `[a-z]` within one part of a path. */
export function globPattern(glob: string): RegExp {
  const source = glob.replace(/\[!?[^\][]+\]|[*?]|[^*?[]+|\[/g, (part) => {
    if (part === '*') return '[^/]*'
    if (part === '?') return '[^/]'
    if (part.length > 1 && part.startsWith('[')) return part.replace('[!', '[^').replaceAll('\\', '\\\\')
    return part.replace(/[.+^${}()|\\[\]]/g, '\\$&')
  })
  return new RegExp(`^${source}$`)
}

interface InspectedDevice {
  device: InventoryDevice
  /** `major:minor`, when it is a block device. */
  numbers?: string
  /** A name that no other disk has; the same for every path to the disk. */
  unique?: string
  /** The path does not exist. */
  isMissing?: boolean
  /** What the kernel had written when it was found blank. */
  blankAfter?: string | undefined
}

interface Mounts {
  everywhere: Map<string, Set<string>>
  table: readonly MountEntry[]
}

async function inspect(
  listed: Listed,
  mounts: Mounts,
  run: Run,
  abilitiesOf: AbilitiesOf,
  before: InspectedDevice | undefined,
): Promise<InspectedDevice> {
  const blank = { ...listed, identity: '', sizeBytes: 0 }
  if (!deviceName.safeParse(listed.name).success) {
    return {
      device: {
        ...blank,
        name: 'invalid',
        state: 'refused',
        reason: notADeviceName(listed.path),
      },
    }
  }
  const resolved = await resolveDevice(listed.path)
  if ('reason' in resolved) {
    const { reason, isMissing = false } = resolved
    return { device: { ...blank, state: 'refused', reason }, isMissing }
  }
  // Asked before the disk is read: a write in between shows at the next look.
  const writes = await writesSeen(resolved)
  const isStillBlank = writes !== undefined && writes === before?.blankAfter
  const options = {
    ownMount: brickMountPath(listed.name),
    exclusive: false,
    ...mounts,
    ...(isStillBlank ? { content: { kind: 'blank' } as const } : {}),
  }
  const facts = await deviceFacts(listed.path, run, options)
  if (!facts.present) return { device: { ...blank, state: 'refused', reason: facts.reason } }
  const { identity, sizeBytes, content, partitions, busy } = facts
  const device = { ...listed, identity, sizeBytes, wipes: await abilitiesOf(resolved, identity) }
  const seen = {
    numbers: resolved.numbers,
    unique: await uniqueNameOf(resolved, identity),
    ...(content.kind === 'blank' ? { blankAfter: writes } : {}),
  }
  if (busy.length > 0) return { ...seen, device: { ...device, state: 'refused', reason: isInUse(busy) } }
  switch (content.kind) {
    case 'unreadable':
      return { ...seen, device: { ...device, state: 'refused', reason: isUnreadable(content.reason) } }
    case 'xfs':
      if (isOurLabel(content.label))
        return { ...seen, device: { ...device, state: 'stamped', stamp: { uuid: content.uuid, label: content.label } } }
      return { ...seen, device: { ...device, state: 'foreign', reason: describeContent(content) } }
    case 'other':
      return { ...seen, device: { ...device, state: 'foreign', reason: describeContent(content) } }
    case 'blank':
      if (partitions.length > 0)
        return { ...seen, device: { ...device, state: 'refused', reason: hasPartitions(partitions) } }
      return { ...seen, device: { ...device, state: 'blank' } }
  }
}

/**
 * Refuses a device that is listed twice, by two pools, two names or two paths, until the configuration is fixed. Also
 * refuses one disk that two devices lead to, as without multipathd: neither shows a mount or a format through the
 * other.
 */
function refuseDoubles(devices: InspectedDevice[]): InspectedDevice[] {
  const kept = new Map<string, InspectedDevice>()
  const refuse = (name: string, reason: string) => {
    const { device } = kept.get(name)!
    const { path, pool, identity, sizeBytes } = device
    kept.set(name, { device: { name, path, pool, identity, sizeBytes, state: 'refused', reason } })
  }
  const byDisk = new Map<string, InventoryDevice>()
  for (const inspected of devices) {
    const { device, numbers, unique } = inspected
    const named = kept.get(device.name)?.device
    if (named) {
      const reason =
        named.path === device.path ? listedInTwoPools(named.pool, device.pool) : sameName(named.path, device.path)
      refuse(device.name, reason)
      continue
    }
    kept.set(device.name, inspected)
    const names = [numbers, unique].filter((name) => name !== undefined && name !== '') as string[]
    for (const name of names) {
      const same = byDisk.get(name)
      if (same && same !== device) {
        const where = ({ path, pool }: InventoryDevice) => `${path} (${pool})`
        const reason = listedTwice(where(same), where(device), name === numbers ? undefined : name)
        refuse(same.name, reason)
        refuse(device.name, reason)
        break
      }
      byDisk.set(name, device)
    }
  }
  return [...kept.values()]
}
