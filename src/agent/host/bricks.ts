import { constants } from 'node:fs'
import { chmod, lchown, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { brickMountPath } from '../../model/cluster.js'
import type { DesiredAdopt, DesiredBrick } from '../../model/documents.js'
import { type BrickFacts, Refusal } from '../host.js'
import { describeContent, mayFormat, mayWipe, whyNotTheDevice } from '../plan/device.js'
import {
  type BlockDevice,
  contentOf,
  contentOfHandle,
  deviceFacts,
  endBytes,
  isZero,
  openExclusively,
  readAt,
  resolveDevice,
  sizeOf,
  zeroes,
} from './disks.js'
import { mountedAt, mountTable } from './mounts.js'
import { brickProcess, endProcess } from './processes.js'
import { type Run, runOk } from './run.js'
import { labelOf } from './xfs.js'

/*
 * One brick on its device. Every effect looks at the device again at the moment of use and refuses when it is not exactly
 * what the step was planned for.
 *
 * Crash windows: mkfs cut short leaves our uuid with sb_inprogress set, or without a stamp file, and is done again; a wipe
 * cut short leaves our uuid until its very last write, which zeroes the superblock, and is done again.
 */
const stampFile = '.burstbuffer-brick.json'
const commandMs = 60_000
const discardMs = 900_000

/** The configured path of a device of that name; undefined when the configuration lists none. */
export type PathOf = (device: string) => string | undefined

export async function brickFacts(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<BrickFacts> {
  const path = pathOf(brick.device)
  if (path === undefined) return { device: notListed, directories: [] }
  const mountPath = brickMountPath(brick.device)
  const device = await deviceFacts(path, run, { ownMount: mountPath, exclusive: true })
  const mounted = mountedAt(await mountTable(), mountPath)
  const resolved = await resolveDevice(path)
  if (!mounted || 'reason' in resolved)
    return { device, directories: [], ...(mounted ? { mounted: foreign(mounted.source) } : {}) }
  const thisDevice = mounted.device === resolved.numbers
  const servedBy = await brickProcess(mountPath, resolved.numbers)
  const stamp = thisDevice ? await readStamp(mountPath) : undefined
  const names = thisDevice ? await readdir(mountPath) : []
  return {
    device,
    mounted: { thisDevice, readOnly: mounted.options.includes('ro'), source: mounted.source },
    ...(stamp === undefined ? {} : { stamp }),
    directories: names.filter((name) => /^brick(-[0-9]+)?$/.test(name)),
    ...(servedBy ? { servedBy } : {}),
  }
}

export const notListed = { present: false, reason: 'the configuration does not list it' } as const

/** Invariant 2, at the moment of use. mkfs.xfs itself opens the device exclusively, so nothing can be mounted in between. */
export async function formatBrick(brick: DesiredBrick, over: 'blank' | 'own', pathOf: PathOf, run: Run): Promise<void> {
  const device = await wholeDevice(brick, pathOf, run)
  if (device.partitions.length > 0)
    throw new Refusal(`device ${brick.device} has partitions: ${device.partitions.join(', ')}`)
  const handle = await openExclusively(device.path, false)
  try {
    const content = await contentOfHandle(handle, device, brick.sizeBytes, run, true)
    if (!mayFormat(content, brick.uuid, over))
      throw new Refusal(`device ${brick.device} holds ${describeContent(content)}`)
  } finally {
    await handle.close()
  }
  const force = over === 'own' ? ['-f'] : []
  const argv = [
    'mkfs.xfs',
    '-q',
    '-K',
    '-m',
    `uuid=${brick.uuid}`,
    '-L',
    labelOf(brick.uuid),
    ...force,
    device.path,
  ] as const
  await runOk(run, argv, { timeoutMs: commandMs })
}

export async function mountBrick(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<void> {
  const device = await resolved(brick.device, pathOf)
  const mountPath = brickMountPath(brick.device)
  await mkdir(mountPath, { recursive: true, mode: 0o755 })
  const content = await contentOf(device, brick.sizeBytes, run)
  if (content.kind !== 'xfs' || content.uuid !== brick.uuid)
    throw new Refusal(`device ${brick.device} holds ${describeContent(content)}`)
  await runOk(run, ['mount', '-t', 'xfs', '-o', 'rw,noatime,nodev,nosuid,noexec', '--', device.path, mountPath], {
    timeoutMs: commandMs,
  })
  const mounted = mountedAt(await mountTable(), mountPath)
  if (mounted?.device !== device.numbers)
    throw new Error(`${device.path} is not mounted at ${mountPath} although mount said so`)
  if (mounted.options.includes('ro'))
    throw new Refusal(`device ${brick.device} could be mounted read-only alone: it is write-protected or fails`)
}

/** Whole or not at all: written beside, synced, renamed. */
export async function stampBrick(brick: DesiredBrick): Promise<void> {
  const mountPath = brickMountPath(brick.device)
  const text = JSON.stringify({
    uuid: brick.uuid,
    buffer: brick.buffer,
    device: brick.device,
    identity: brick.identity,
  })
  const file = await open(join(mountPath, `${stampFile}.new`), 'w', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(join(mountPath, `${stampFile}.new`), join(mountPath, stampFile))
  await syncDirectory(mountPath)
}

/** Under another name until its owner and mode are set, so that a directory with the right name is complete. */
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

/** The caller has read the desired document again: it says absent, which the scheduler says only when no volume is left. */
export async function stopBrickProcess(brick: DesiredBrick, pid: number, pathOf: PathOf): Promise<void> {
  const { numbers } = await resolved(brick.device, pathOf)
  const serving = await brickProcess(brickMountPath(brick.device), numbers)
  if (serving?.pid === pid) await endProcess(pid, 10_000)
}

/** Never lazily, and never under a brick process. */
export async function unmountBrick(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<void> {
  const { numbers } = await resolved(brick.device, pathOf)
  const mountPath = brickMountPath(brick.device)
  const serving = await brickProcess(mountPath, numbers)
  if (serving) throw new Error(`glusterfsd ${serving.pid} still serves the brick on ${brick.device}`)
  await runOk(run, ['umount', '--', mountPath], { timeoutMs: commandMs })
  if (mountedAt(await mountTable(), mountPath))
    throw new Error(`${mountPath} is still mounted although umount said it is not`)
  await rmdir(mountPath).catch(() => {})
}

export async function wipeBrick(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<void> {
  const device = await wholeDevice(brick, pathOf, run)
  await wipe(device, brick, run, (content) => mayWipe(content, brick.uuid))
}

export async function adoptDevice(adopt: DesiredAdopt, pathOf: PathOf, run: Run): Promise<void> {
  const device = await wholeDevice(adopt, pathOf, run)
  await wipe(device, adopt, run, (content) => describeContent(content) === adopt.expected)
  if (device.partitions.length > 0) await runOk(run, ['blockdev', '--rereadpt', device.path], { timeoutMs: commandMs })
}

/**
 * Discards the device where it can, then zeroes both ends, the end first: until the superblock goes, with the last write,
 * the device still says whose it was, and a wipe that was cut short is done again.
 */
async function wipe(
  device: BlockDevice,
  wanted: { device: string; sizeBytes: number },
  run: Run,
  mayWipe: (content: Awaited<ReturnType<typeof contentOf>>) => boolean,
): Promise<void> {
  const handle = await openExclusively(device.path, true)
  try {
    const content = await contentOfHandle(handle, device, wanted.sizeBytes, run, true)
    if (content.kind === 'blank') return
    if (!mayWipe(content)) throw new Refusal(`device ${wanted.device} holds ${describeContent(content)}`)
    const end = Math.max(0, wanted.sizeBytes - endBytes)
    // The discard must not take the superblock before the end is zero: it starts behind the first MiB.
    await discard(device, wanted.sizeBytes, run)
    for (const position of [end, 0]) {
      await handle.write(zeroes, 0, Math.min(endBytes, wanted.sizeBytes), position)
      await handle.sync()
    }
    for (const position of [end, 0]) {
      if (!isZero(await readAt(handle, position, Math.min(endBytes, wanted.sizeBytes)))) {
        throw new Refusal(`device ${wanted.device} does not keep what is written to it`)
      }
    }
  } finally {
    await handle.close()
  }
}

/** blkdiscard would claim the device exclusively, as we do already, so it is told not to; a device that cannot is no error. */
async function discard(device: BlockDevice, sizeBytes: number, run: Run): Promise<void> {
  if (sizeBytes <= 2 * endBytes) return
  const { code, stderr } = await run(['blkdiscard', '--force', '--offset', String(endBytes), device.path], {
    timeoutMs: discardMs,
  })
  if (code !== 0 && !/not supported|Operation not permitted/i.test(stderr))
    throw new Error(`blkdiscard of ${device.path} failed: ${stderr.trim()}`)
}

/** The device with the recorded identity and size, used by nobody. */
async function wholeDevice(
  wanted: { device: string; identity: string; sizeBytes: number },
  pathOf: PathOf,
  run: Run,
): Promise<BlockDevice & { partitions: string[] }> {
  const device = await resolved(wanted.device, pathOf)
  const facts = await deviceFacts(device.path, run, { exclusive: true })
  const wrong = whyNotTheDevice(facts, wanted)
  if (wrong !== undefined || !facts.present) throw new Refusal(wrong ?? 'absent')
  if ((await sizeOf(device)) !== wanted.sizeBytes) throw new Refusal(`device ${wanted.device} has another size now`)
  if (facts.busy.length > 0) throw new Refusal(`device ${wanted.device} is in use: ${facts.busy.join(', ')}`)
  return { ...device, partitions: facts.partitions }
}

async function resolved(name: string, pathOf: PathOf): Promise<BlockDevice> {
  const path = pathOf(name)
  if (path === undefined) throw new Refusal(`device ${name}: ${notListed.reason}`)
  const device = await resolveDevice(path)
  if ('reason' in device) throw new Refusal(`device ${name}: ${device.reason}`)
  return device
}

async function readStamp(mountPath: string): Promise<string | undefined> {
  try {
    const stamp: unknown = JSON.parse(await readFile(join(mountPath, stampFile), 'utf8'))
    return typeof stamp === 'object' && stamp !== null && 'uuid' in stamp ? String(stamp.uuid) : undefined
  } catch (error) {
    // A file that is there and cannot be read is not the same as none: that brick may hold data.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function foreign(source: string) {
  return { thisDevice: false, readOnly: false, source }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
