import { constants } from 'node:fs'
import { chmod, lchown, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'
import { Refusal } from '../../port/host.js'
import { whyNotFormat } from '../../plan/device.js'
import { deviceHasPartitions } from '../../plan/messages.js'
import { cannotBeFormatted } from './messages.js'
import { contentOfHandle } from './deviceContent.js'
import { openExclusively } from './blockDevice.js'
import type { Run } from '../exec/run.js'
import { pinnedPath } from './heldDevice.js'
import { zeroEnds } from './zeroEnds.js'
import { labelOf } from './xfs.js'
import { commandMs, diskError } from './diskCommands.js'
import { type PathOf, unusedDevice } from './listedDevice.js'

/*
 * Crash window: a mkfs that is cut short leaves our uuid with sb_inprogress set, or without a stamp file, and runs
 * again.
 */

/**
 * Runs mkfs.xfs with the brick's uuid. Checks invariant 2 on the disk that is held open, so that the checked disk is
 * formatted even if its name changes. mkfs.xfs opens the disk exclusively itself, so our claim ends before. Without
 * --force it refuses a mounted disk and any signature that appeared in between; therefore a device with our own uuid
 * (`over: 'own'`) is wiped first. Throws Refusal for every other content, a device in use, and a disk that fails.
 */
export async function formatBrick(brick: DesiredBrick, over: 'blank' | 'own', pathOf: PathOf, run: Run): Promise<void> {
  const device = await unusedDevice(brick, pathOf)
  if (device.partitions.length > 0) throw new Refusal(deviceHasPartitions(brick.device, device.partitions))
  const pin = await open(device.path, constants.O_RDONLY)
  try {
    const disk = { ...device, path: await pinnedPath(pin, device, brick) }
    const claim = await openExclusively(disk.path, over === 'own')
    try {
      const content = await contentOfHandle(claim, disk, brick.sizeBytes, run, true)
      const why = whyNotFormat(content, brick, over)
      if (why) throw why
      if (over === 'own') await zeroEnds(claim, brick)
    } finally {
      await claim.close()
    }
    const argv = ['mkfs.xfs', '-q', '-K', '-m', `uuid=${brick.uuid}`, '-L', labelOf(brick.uuid), disk.path] as const
    const { code, stderr } = await run(argv, { timeoutMs: commandMs })
    if (code !== 0) throw diskError(cannotBeFormatted(brick.device), stderr, code)
  } finally {
    await pin.close()
  }
}

/**
 * Creates the directory that is exported, under another name until its owner and mode are set, so that a directory with
 * the right name is complete. Throws when the directory exists and is not empty.
 */
export async function makeBrickDirectory(brick: DesiredBrick): Promise<void> {
  const mountPath = brickMountPath(brick.device)
  const fresh = join(mountPath, '.brick.new')
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  await lchown(fresh, brick.uid, brick.gid)
  await chmod(fresh, brick.mode)
  await rename(fresh, join(mountPath, brick.directory))
  await syncDirectory(mountPath)
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
