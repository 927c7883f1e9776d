import { constants } from 'node:fs'
import { chmod, lchown, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'
import { Refusal } from '../../port.js'
import { whyNotFormat } from '../../plan/device.js'
import { contentOfHandle } from './deviceContent.js'
import { openExclusively } from './blockDevice.js'
import type { Run } from '../exec/run.js'
import { pinnedPath } from './heldDevice.js'
import { zeroEnds } from './zeroEnds.js'
import { labelOf } from './xfs.js'
import { commandMs, diskError } from './diskCommands.js'
import { type PathOf, unusedDevice } from './listedDevice.js'

/*
 * Crash window: mkfs cut short leaves our uuid with sb_inprogress set, or without a stamp file, and is done again.
 */

/**
 * mkfs.xfs with the brick's uuid. Invariant 2, at the moment of use, on the disk that is held open: what was checked is
 * what is formatted, whatever becomes of its name. mkfs.xfs claims the disk itself, so our claim ends before; never
 * told to force, it then refuses a mounted disk and any signature that came in between. What is ours already (`over:
 * 'own'`) is wiped first, for the same reason. Throws Refusal for every other content, a device in use, and a disk that
 * fails.
 */
export async function formatBrick(brick: DesiredBrick, over: 'blank' | 'own', pathOf: PathOf, run: Run): Promise<void> {
  const device = await unusedDevice(brick, pathOf, run)
  if (device.partitions.length > 0)
    throw new Refusal(`device ${brick.device} has partitions: ${device.partitions.join(', ')}`)
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
    if (code !== 0) throw diskError(`device ${brick.device} cannot be formatted`, stderr, code)
  } finally {
    await pin.close()
  }
}

/**
 * Makes the directory that is exported, under another name until its owner and mode are set, so that a directory with
 * the right name is complete. Not over one that is there and holds files: rename throws.
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
