import { constants } from 'node:fs'
import { chmod, lchown, mkdir, open, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { whyNotAdoptAt } from '../../../model/adoption.js'
import { brickMountPath, brickRoot } from '../../../model/cluster.js'
import type { DesiredAdopt } from '../../../model/documents/adopt.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'
import type { WipeProgress } from '../../../model/documents/wipe.js'
import { type AdoptFacts, type BrickFacts, type DeviceFacts, Refusal } from '../../port.js'
import { describeContent, mayWipe, whyNotFormat, whyNotTheDevice } from '../../plan/device.js'
import { type BlockDevice, contentOf, contentOfHandle, deviceFacts, openExclusively, resolveDevice } from './disks.js'
import { mountedAt, mountsEverywhere, mountTable } from '../exec/mounts.js'
import { brickProcess, type Command, commands, endProcess, isBeingFormatted } from '../exec/processes.js'
import { type Run, runOk } from '../exec/run.js'
import { sanitizing } from './sanitize.js'
import { pinnedPath, wipe, type WantedDevice, type WipeMeans, zeroEnds } from './wipe.js'
import { labelOf } from './xfs.js'

/*
 * One brick on its device. Every effect looks at the device again at the moment of use and refuses when it is not exactly
 * what the step was planned for.
 *
 * Crash windows: mkfs cut short leaves our uuid with sb_inprogress set, or without a stamp file, and is done again; a wipe
 * cut short leaves our uuid until its very last write, which zeroes the superblock's one sector, and is done again.
 */
const stampFile = '.burstbuffer-brick.json'
const commandMs = 60_000

/** The configured path of a device of that name; undefined when the configuration lists none. */
export type PathOf = (device: string) => string | undefined

/** What bricks that are looked at together are looked at with: read once for all of them. */
export interface Surroundings {
  everywhere: Map<string, Set<string>>
  running: Command[]
}

export async function surroundings(): Promise<Surroundings> {
  return { everywhere: await mountsEverywhere(), running: await commands() }
}

export async function brickFacts(
  brick: DesiredBrick,
  pathOf: PathOf,
  { everywhere, running }: Surroundings,
  { run, longWipes }: WipeMeans,
): Promise<BrickFacts> {
  const path = pathOf(brick.device)
  if (path === undefined) return { device: notListed, directories: [] }
  const mountPath = brickMountPath(brick.device)
  // Of before the device is looked at: what ends in between is seen whole.
  const beingFormatted = (await isBeingFormatted(brick.uuid, commandMs, running))
    ? { beingFormatted: true as const }
    : {}
  // A claim of a moment would be in the way of the wipe's own.
  const own = longWipes.progressOf(brick.uuid)
  const device = await deviceFacts(path, run, { ownMount: mountPath, exclusive: own === undefined, everywhere })
  const mounted = mountedAt(await mountTable(), mountPath)
  const resolved = await resolveDevice(path)
  const wiping = own ?? (await sanitizedByTheDrive(brick, device, resolved, run))
  const beside = { ...beingFormatted, ...(wiping ? { wiping } : {}) }
  if (!mounted || 'reason' in resolved)
    return { device, directories: [], ...(mounted ? { mounted: foreign(mounted.source) } : {}), ...beside }
  const thisDevice = mounted.device === resolved.numbers
  const servedBy = await brickProcess(mountPath, resolved.numbers, running)
  const { unreadable, ...inside } = thisDevice ? await lookInto(mountPath) : { directories: [] }
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

/** An agent that has died since told the drive to: until it is done it cannot be read. */
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
 * A file system that its disk's error has shut down (EIO), one that is damaged (EUCLEAN) and a stamp that is no stamp
 * must still be taken off: only that the agent itself is short of something says nothing about the brick.
 */
async function lookInto(
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

export const notListed = { present: false, reason: 'the configuration does not list it' } as const

/**
 * Invariant 2, at the moment of use, on the disk that is held open: what was checked is what is formatted, whatever becomes
 * of its name. mkfs.xfs claims the disk itself, so our claim ends before; never told to force, it then refuses a mounted
 * disk and any signature that came in between. What is ours already is wiped first, for the same reason.
 */
export async function formatBrick(brick: DesiredBrick, over: 'blank' | 'own', pathOf: PathOf, run: Run): Promise<void> {
  const device = await wholeDevice(brick, pathOf, run)
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
    if (code !== 0) throw failed(`device ${brick.device} cannot be formatted`, stderr, code)
  } finally {
    await pin.close()
  }
}

export async function mountBrick(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<void> {
  const device = await resolved(brick.device, pathOf)
  const mountPath = brickMountPath(brick.device)
  await closeBrickRoot()
  await mkdir(mountPath, { recursive: true, mode: 0o755 })
  const content = await contentOf(device, brick.sizeBytes, run)
  if (content.kind !== 'xfs' || content.uuid !== brick.uuid)
    throw new Refusal(`device ${brick.device} holds ${describeContent(content)}`)
  const options = 'rw,noatime,nodev,nosuid,noexec'
  const { code, stderr } = await run(['mount', '-t', 'xfs', '-o', options, '--', device.path, mountPath], {
    timeoutMs: commandMs,
  })
  if (code !== 0) throw failed(`device ${brick.device} cannot be mounted`, stderr, code)
  const mounted = mountedAt(await mountTable(), mountPath)
  if (mounted?.device !== device.numbers)
    throw new Error(`${device.path} is not mounted at ${mountPath} although mount said so`)
  if (mounted.options.includes('ro'))
    throw new Refusal(`device ${brick.device} could be mounted read-only alone: it is write-protected or fails`)
}

/** GlusterFS's servers are root's and pass; a stage line that names a brick's own directory does not, whoever owns that. */
export async function closeBrickRoot(): Promise<void> {
  await mkdir(brickRoot, { recursive: true, mode: 0o700 })
  await chmod(brickRoot, 0o700)
}

/**
 * Whole or not at all: written beside, synced, renamed. The directory is synced when the brick's own is made in it: a stamp
 * that is lost before is of a brick that was reported to nobody.
 */
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
  const serving = await brickProcess(brickMountPath(brick.device), numbers, await commands())
  if (serving?.pid === pid) await endProcess(pid, 10_000)
}

/** Never lazily, and never under a brick process. */
export async function unmountBrick(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<void> {
  const { numbers } = await resolved(brick.device, pathOf)
  const mountPath = brickMountPath(brick.device)
  const mounted = mountedAt(await mountTable(), mountPath)
  if (mounted && mounted.device !== numbers) throw new Refusal(`${mountPath} has ${mounted.source} mounted`)
  const serving = await brickProcess(mountPath, numbers, await commands())
  if (serving) throw new Error(`glusterfsd ${serving.pid} still serves the brick on ${brick.device}`)
  await runOk(run, ['umount', '--', mountPath], { timeoutMs: commandMs })
  if (mountedAt(await mountTable(), mountPath))
    throw new Error(`${mountPath} is still mounted although umount said it is not`)
  await rmdir(mountPath).catch(() => {})
}

export async function wipeBrick(brick: DesiredBrick, pathOf: PathOf, means: WipeMeans): Promise<void> {
  const device = await wholeDevice(brick, pathOf, means.run)
  await wipe(device, brick, brick.uuid, means, (content) => mayWipe(content, brick.uuid))
}

/** `now`: unix seconds, when the wipe begins. */
export async function adoptDevice(adopt: DesiredAdopt, now: number, pathOf: PathOf, means: WipeMeans): Promise<void> {
  const { run, longWipes } = means
  const name = adoptionName(adopt)
  const late = longWipes.isErased(name) ? undefined : whyNotAdoptAt(now, adopt.until)
  if (late !== undefined) throw new Refusal(`device ${adopt.device} is not wiped: ${late}`)
  const device = await wholeDevice(adopt, pathOf, run)
  const isDone = await wipe(device, adopt, name, means, (content) => describeContent(content) === adopt.expected)
  if (isDone && device.partitions.length > 0)
    await runOk(run, ['blockdev', '--rereadpt', device.path], { timeoutMs: commandMs })
}

export async function adoptFacts(
  adopt: DesiredAdopt,
  now: number,
  pathOf: PathOf,
  { run, longWipes }: WipeMeans,
): Promise<AdoptFacts> {
  const path = pathOf(adopt.device)
  if (path === undefined) return { now, device: notListed }
  const wiping = longWipes.progressOf(adoptionName(adopt))
  const options = { ownMount: brickMountPath(adopt.device), exclusive: wiping === undefined }
  return {
    now,
    device: await deviceFacts(path, run, options),
    ...(wiping ? { wiping } : {}),
    ...(longWipes.isErased(adoptionName(adopt)) ? { isAllButWiped: true as const } : {}),
  }
}

/** The same word of an operator, given again, goes on with the same wipe. */
function adoptionName({ device, identity, expected }: DesiredAdopt): string {
  return `adoption of ${device}, ${identity}, which holds ${expected}`
}

/** The device with the recorded identity and size, used by nobody. */
async function wholeDevice(
  wanted: WantedDevice,
  pathOf: PathOf,
  run: Run,
): Promise<BlockDevice & { partitions: string[] }> {
  const device = await resolved(wanted.device, pathOf)
  const facts = await deviceFacts(device.path, run, { exclusive: true })
  const wrong = whyNotTheDevice(facts, wanted)
  if (wrong !== undefined || !facts.present) throw new Refusal(wrong ?? 'absent')
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

/** A file that is there and cannot be read, or is no stamp, is not the same as none: that brick may hold data. */
async function readStamp(mountPath: string): Promise<string | undefined> {
  let text
  try {
    text = await readFile(join(mountPath, stampFile), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = stamp.safeParse(parseJson(text))
  if (!parsed.success) throw new Error(`its stamp ${stampFile} is damaged`)
  return parsed.data.uuid
}

const stamp = z.looseObject({ uuid: z.guid() })

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function foreign(source: string) {
  return { thisDevice: false, readOnly: false, source }
}

/** A disk that fails is refused, so that its brick is placed elsewhere; one that somebody looks at for a moment is not. */
function failed(what: string, stderr: string, code: number): Error {
  const words = stderr.trim().split('\n').slice(-3).join('; ').slice(0, 500) || `exit code ${code}`
  return /busy/i.test(stderr) ? new Error(`${what} now: ${words}`) : new Refusal(`${what}: ${words}`)
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
