import { mkdir, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { transferRoot } from '../../../model/cluster.js'
import type { DirectSource } from '../../../model/documents/direct.js'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { isWithin } from '../../../model/paths.js'
import { closeBrickRoot } from '../disk/brickMount.js'
import { answers } from '../client/bufferMount.js'
import { mountTable } from '../exec/mounts.js'
import { makePassable } from '../exec/passable.js'
import { type Run, runOk } from '../exec/run.js'
import { volumeNotMounted } from './messages.js'
import { transferPathsOf } from './paths.js'

const commandMs = 30_000

/** Where something of the volume is mounted: all of it, or one export. */
export interface MountPoint {
  path: string
  direct?: DirectSource
}

/** Mounts that of the transfer's volume at a directory that exists; throws when it cannot. */
export type MountAt = (transfer: DesiredTransfer, point: MountPoint) => Promise<unknown>
/** Called after a transfer's volume was unmounted from that path. */
export type OnUnmounted = (transfer: DesiredTransfer, path: string) => Promise<void>
/** Whether something of a client is left for that path, where nothing is mounted. */
export type IsLeft = (transfer: DesiredTransfer, path: string) => Promise<boolean>

/** What clients of a transfer show to bricks, where they show certificates. */
export interface Certificates {
  /** A mount shows another certificate than the document has. */
  isOld(transfer: DesiredTransfer, point: MountPoint): Promise<boolean>
  /** The mount shows the document's from now on. */
  renew(transfer: DesiredTransfer, point: MountPoint): Promise<void>
}

interface MountMeans {
  run: Run
  mountAt: MountAt
  onUnmounted?: OnUnmounted
  isLeft?: IsLeft
}

/**
 * Whether the transfer's volume is mounted here. dead: a part of it is not, its client process has ended or does not answer, or
 * an agent died before it had taken everything off.
 */
export async function mountState(
  transfer: DesiredTransfer,
  { run, isLeft }: Pick<MountMeans, 'run' | 'isLeft'>,
): Promise<'absent' | 'alive' | 'dead'> {
  const found = await mountedPaths(transfer)
  const points = mountPointsOf(transfer)
  if (found.length === 0) return (await leftPaths(transfer, isLeft)).length > 0 ? 'dead' : 'absent'
  if (!points.every(({ path }) => found.includes(path))) return 'dead'
  const alive = await Promise.all(points.map(({ path }) => answers(path, run)))
  return alive.every(Boolean) ? 'alive' : 'dead'
}

/**
 * Mounts the buffer for this transfer only, whole or not at all, after unmounting what is mounted there. Throws Error when the
 * buffer is not mounted afterwards or does not answer. May be repeated.
 */
export async function mountVolume(transfer: DesiredTransfer, means: MountMeans): Promise<void> {
  const { mount } = transferPathsOf(transfer)
  const { run } = means
  await unmountVolume(transfer, means)
  await closeBrickRoot()
  // Users may pass through it, but not list it: only its owner may enter the mount below.
  await makePassable(transferRoot, '711', run)
  try {
    for (const point of mountPointsOf(transfer)) {
      if (point.path === mount) await mkdir(mount, { recursive: true, mode: 0o700 })
      else await makePassable(point.path, '000', run)
      await means.mountAt(transfer, point)
    }
    if ((await mountState(transfer, means)) !== 'alive') throw new Error(volumeNotMounted(transfer.volume, mount))
  } catch (error) {
    // What went wrong first is what is told.
    await unmountVolume(transfer, means).catch(() => {})
    throw error
  }
}

/** Unmounts, not lazily, what was mounted last first: throws CommandError while one is in use. May be repeated. */
export async function unmountVolume(
  transfer: DesiredTransfer,
  { run, onUnmounted, isLeft }: Omit<MountMeans, 'mountAt'>,
): Promise<void> {
  const { mount } = transferPathsOf(transfer)
  for (const path of (await mountedPaths(transfer)).reverse()) {
    await runOk(run, ['umount', '--', path], { timeoutMs: commandMs })
    await onUnmounted?.(transfer, path)
  }
  for (const { path } of mountPointsOf(transfer)) await removeEmpty(path, mount)
  for (const path of await leftPaths(transfer, isLeft)) await onUnmounted?.(transfer, path)
}

/** Of clients whose mounts are gone. All are asked at once, so that one look at the host's processes answers. */
async function leftPaths(transfer: DesiredTransfer, isLeft: IsLeft = () => Promise.resolve(false)): Promise<string[]> {
  const paths = mountPointsOf(transfer).map(({ path }) => path)
  const left = await Promise.all(paths.map((path) => isLeft(transfer, path)))
  return paths.filter((_, index) => left[index])
}

function mountPointsOf(transfer: DesiredTransfer): MountPoint[] {
  const { mount } = transferPathsOf(transfer)
  if (!transfer.direct) return [{ path: mount }]
  return transfer.direct.map(({ directory, ...direct }) => ({
    path: directory === '/' ? mount : `${mount}${directory}`,
    direct,
  }))
}

/**
 * Whether the clients of a transfer that goes on for weeks show an older certificate than they should. The first stands for all,
 * of which there may be thousands: it is renewed last.
 */
export async function certificateFacts(
  transfer: DesiredTransfer,
  { certificates }: { certificates?: Certificates },
): Promise<{ hasOldCertificate?: true }> {
  const [first] = mountPointsOf(transfer)
  return first && (await certificates?.isOld(transfer, first)) ? { hasOldCertificate: true } : {}
}

/** May be repeated. Throws Unavailable when nobody would believe the document's certificate. */
export async function renewCertificates(
  transfer: DesiredTransfer,
  { certificates }: { certificates?: Certificates },
): Promise<void> {
  for (const point of mountPointsOf(transfer).reverse()) await certificates?.renew(transfer, point)
}

/** In the order in which they were mounted; those of an earlier document too. */
async function mountedPaths(transfer: DesiredTransfer): Promise<string[]> {
  const { mount } = transferPathsOf(transfer)
  return (await mountTable()).map(({ path }) => path).filter((path) => isWithin(path, mount))
}

async function removeEmpty(path: string, top: string): Promise<void> {
  for (let at = path; isWithin(at, top); at = dirname(at)) {
    // Others lie in it still; or it is gone already, and what is above it is not.
    const failed = await rmdir(at).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
    )
    if (failed) return
  }
}
