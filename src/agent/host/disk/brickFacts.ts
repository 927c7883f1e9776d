import { readdir } from 'node:fs/promises'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'
import type { WipeProgress } from '../../../model/documents/wipe.js'
import type { BrickFacts, DeviceFacts } from '../../port/host.js'
import { deviceFacts } from './deviceFacts.js'
import { resolveDevice } from './blockDevice.js'
import { mountedAt, mountsEverywhere, mountTable } from '../exec/mounts.js'
import { brickProcess, type BrickServer, type Command, commands, isBeingFormatted } from '../exec/processes.js'
import type { Run } from '../exec/run.js'
import { sanitizing } from './sanitize.js'
import type { WipeDependencies } from './wipe.js'
import { commandMs } from './diskCommands.js'
import { notListed } from '../../plan/messages.js'
import type { PathOf } from './listedDevice.js'
import { readStamp } from './stamp.js'

/** Mounts and processes of the host, read once for all bricks that are inspected together. */
export interface HostSnapshot {
  everywhere: Map<string, Set<string>>
  server: BrickServer
  running: Command[]
}

/** Reads the mounts in all namespaces and the commands that serve or format bricks. */
export async function readHostSnapshot(server: BrickServer): Promise<HostSnapshot> {
  return { everywhere: await mountsEverywhere(), server, running: await commands(server) }
}

/**
 * What the device holds, what is mounted at the brick's path, and which processes use it. Opens the device exclusively
 * for a moment if nobody should be using it.
 */
export async function brickFacts(
  brick: DesiredBrick,
  pathOf: PathOf,
  { everywhere, server, running }: HostSnapshot,
  { run, longWipes }: WipeDependencies,
): Promise<BrickFacts> {
  const path = pathOf(brick.device)
  if (path === undefined) return { device: { present: false, reason: notListed() }, directories: [] }
  const mountPath = brickMountPath(brick.device)
  // Checked before the device is inspected: if mkfs ends in between, its complete result is seen.
  const beingFormatted = (await isBeingFormatted(brick.uuid, commandMs, running))
    ? { beingFormatted: true as const }
    : {}
  // Opening the device exclusively would disturb the wipe, which does the same.
  const own = longWipes.progressOf(brick.uuid)
  const device = await deviceFacts(path, run, { ownMount: mountPath, exclusive: own === undefined, everywhere })
  const mounted = mountedAt(await mountTable(), mountPath)
  const resolved = await resolveDevice(path)
  const wiping = own ?? (await sanitizedByTheDrive(brick, device, resolved, run))
  const beside = { ...beingFormatted, ...(wiping ? { wiping } : {}) }
  if (!mounted || 'reason' in resolved)
    return { device, directories: [], ...(mounted ? { mounted: foreignMount(mounted.source) } : {}), ...beside }
  const thisDevice = mounted.device === resolved.numbers
  const servedBy = await brickProcess(mountPath, resolved.numbers, server, running)
  const { unreadable, ...inside } = thisDevice ? await inspectMountedBrick(mountPath) : { directories: [] }
  return {
    device,
    mounted: {
      thisDevice,
      readOnly: mounted.options.includes('ro'),
      source: mounted.source,
      ...(unreadable === undefined ? {} : { unreadable }),
    },
    ...inside,
    ...(servedBy ? { servedBy } : {}),
  }
}

/** Its own file system is mounted at its path, to be written, with its stamp, and that directory is in it. */
export async function isBrickWhole(
  { device, uuid }: Pick<DesiredBrick, 'device' | 'uuid'>,
  directory: string,
  pathOf: PathOf,
): Promise<boolean> {
  const path = pathOf(device)
  const resolved = path === undefined ? undefined : await resolveDevice(path)
  const mounted = mountedAt(await mountTable(), brickMountPath(device))
  if (!resolved || 'reason' in resolved || mounted?.device !== resolved.numbers) return false
  if (mounted.options.includes('ro')) return false
  const { stamp, directories } = await inspectMountedBrick(brickMountPath(device))
  return stamp === uuid && directories.includes(directory)
}

/** How far a sanitize is that an earlier agent began: until it is done the drive cannot be read. */
async function sanitizedByTheDrive(
  { wipe, sizeBytes }: DesiredBrick,
  device: DeviceFacts,
  resolved: Awaited<ReturnType<typeof resolveDevice>>,
  run: Run,
): Promise<WipeProgress | undefined> {
  if (wipe !== 'sanitize' || !device.present || device.content.kind !== 'unreadable' || 'reason' in resolved) return
  const share = await sanitizing(resolved, run)
  return share === undefined ? undefined : { doneBytes: Math.floor(share * sizeBytes), totalBytes: sizeBytes }
}

/**
 * A brick must still be unmounted when a disk error has shut down its file system (EIO), or when the file system
 * (EUCLEAN) or the stamp is damaged. Only a shortage of the agent's own says nothing about the brick, and is thrown.
 */
async function inspectMountedBrick(
  mountPath: string,
): Promise<Pick<BrickFacts, 'stamp' | 'directories'> & { unreadable?: string }> {
  try {
    const stamp = await readStamp(mountPath)
    const names = await readdir(mountPath)
    const directories = names.filter((name) => /^brick(-[0-9]+)?$/.test(name))
    return { ...(stamp === undefined ? {} : { stamp }), directories }
  } catch (error) {
    if (shortages.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    return { directories: [], unreadable: (error as Error).message }
  }
}

const shortages = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])

function foreignMount(source: string) {
  return { thisDevice: false, readOnly: false, source }
}
