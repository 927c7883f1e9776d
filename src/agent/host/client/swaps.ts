import { access, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { DesiredSwap } from '../../../model/documents/swap.js'
import { Refusal, type SwapFacts } from '../../port.js'
import { type AttachedLoop, loopsOn } from '../disk/loops.js'
import { closeMapping, type Mapping, mappingDevice, mappingOn, openMapping, whyNotEncrypted } from './mappings.js'
import { mountedAt, type MountEntry, mountTable } from '../exec/mounts.js'
import { type Run, runOk } from '../exec/run.js'

/*
 * Swap on a buffer: a file of root's in a directory of root's, on a loop device, because the kernel takes no swap file of a
 * FUSE file system, and on that a mapping that encrypts it, unless the host's settings allow swap in clear. Nothing is
 * remembered: the mount table, the files, /sys/block and /proc/swaps tell what is done. The buffer is touched by child
 * processes alone, for it may hang.
 *
 * INVARIANTS: nothing is made but in the very mount that is named; no loop device is touched but one whose backing file is one
 * of ours on it (`isOurs`).
 */
const commandMs = 30_000
/** Allocating takes no time on XFS, whatever the size, and is a few calls to a brick. */
const allocateMs = 60_000
/** What is in use is read back into memory; killed after so long, it begins again where it stood. */
const swapoffMs = 120_000
/** A file lies on one brick, which its name decides: other names try other bricks. */
const maxNames = 32

export interface SwapHost {
  /** This host's name. */
  self: string
  run: Run
  /** Swap may be in clear. */
  plaintext: boolean
  /** Where the kernel shows itself: `/proc` and `/sys` below it. */
  root?: string
}

interface SwapLoop extends AttachedLoop {
  mapping?: Mapping
  isOn: boolean
}

/**
 * How far swap on this buffer has come on this node: mount, files, loop devices, mappings and what the kernel swaps on.
 */
export async function swapFacts(swap: DesiredSwap, host: SwapHost): Promise<SwapFacts> {
  const mounted = await mountOf(swap, host)
  const loops = await loopsOf(mounted, host)
  const unsupported = await whyNone(swap, loops, host)
  return {
    ...(unsupported === undefined ? {} : { unsupported }),
    mustEncrypt: !host.plaintext,
    isMounted: mounted !== undefined,
    files: mounted ? await filesLeft(swap, loops.length, host) : [],
    loops: loops.map(({ device, isOn, mapping }) => ({
      device,
      isOn,
      ...(mapping ? { mapping: mapping.isWhole ? 'whole' : 'begun' } : {}),
    })),
  }
}

/**
 * Makes the swap file of `sizeBytes`, every byte of it on one brick, under the first name whose brick has the room.
 * Throws Refusal when no brick has; Error while the buffer is not mounted. A whole file that is there is kept, others
 * of this host are made anew.
 */
export async function allocateSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { self, run } = host
  if (!(await mountOf(swap, host))) throw new Error(`${swap.path} is not mounted`)
  const present = await filesIn(swap, host)
  if (present.some(({ isWhole }) => isWhole)) return
  // Begun by an agent that was killed; no loop device is attached to a file that is not whole.
  await removeFiles(
    present.map(({ path }) => path),
    run,
  )
  for (let number = 0; number < maxNames; number++) {
    const path = `${swap.path}/${self}.${number}`
    await runOk(run, ['install', '--mode=600', '--', '/dev/null', path], { timeoutMs: commandMs })
    const size = String(swap.sizeBytes)
    const { code, stderr } = await run(['fallocate', '--length', size, '--', path], { timeoutMs: allocateMs })
    if (code === 0) {
      if ((await filesIn(swap, host)).some((file) => file.path === path && file.isWhole)) return
      await removeFiles([path], run)
      throw new Refusal(`${path} was allocated with ${size} bytes, and the file system has fewer of them`)
    }
    await removeFiles([path], run)
    if (!/No space left on device/.test(stderr))
      throw new Error(`${path} cannot be allocated: ${stderr.trim() || `fallocate ended with ${code}`}`)
  }
  throw new Refusal(`no brick of ${swap.volume} has ${swap.sizeBytes} bytes left for swap: ask for a larger capacity=`)
}

/**
 * Gives the file a loop device, with direct I/O: what the kernel swaps out must not pass through its page cache once
 * more. A file that is attached keeps its device. Throws Error when there is no whole file.
 */
export async function attachSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { run } = host
  const file = (await filesIn(swap, host)).find(({ isWhole }) => isWhole)
  if (!file) throw new Error(`${swap.path} holds no swap file`)
  const options = ['--find', '--nooverlap', '--direct-io=on'] as const
  await runOk(run, ['losetup', ...options, '--', file.path], { timeoutMs: commandMs })
}

/**
 * With a key that nobody knows, and a new one whenever this is done anew. Nothing is done where it is encrypted or on.
 * Throws Refusal when the kernel refuses.
 */
export async function encryptSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { device, isOn, mapping } = await attachedLoop(swap, host)
  if (isOn || mapping?.isWhole) return
  await openMapping(device, host.run)
  if (!(await mappingOn(device, sysOf(host)))?.isWhole)
    throw new Error(`swap on ${device} is not encrypted although cryptsetup said so`)
}

/**
 * mkswap and swapon with the document's priority; nothing when it is on. Throws Refusal when the kernel refuses swapon,
 * for it will not answer otherwise in a moment; Error when it should be encrypted and is not.
 */
export async function enableSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const loop = await attachedLoop(swap, host)
  if (loop.isOn) return
  if (!host.plaintext && !loop.mapping?.isWhole) throw new Error(`swap on ${loop.device} is not encrypted`)
  const device = areaOf(loop)
  await runOk(host.run, ['mkswap', '--', device], { timeoutMs: commandMs })
  const argv = ['swapon', '--priority', String(swap.priority), '--', device] as const
  const { code, stderr } = await host.run(argv, { timeoutMs: commandMs })
  if (code !== 0) throw new Refusal(`the kernel of this node refuses swap on ${device}: ${stderr.trim()}`)
}

/**
 * swapoff, which may take minutes. /proc/swaps tells, not the exit code: another swapoff, of an agent that was killed,
 * may be at it still. Throws Error while it is on: what is in it must fit into memory.
 */
export async function disableSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const loop of (await ownLoops(swap, host)).filter(({ isOn }) => isOn)) {
    const device = areaOf(loop, await swapAreas(host))
    const end = await host.run(['swapoff', '--', device], { timeoutMs: swapoffMs }).then(
      ({ stderr }) => stderr.trim(),
      (error: Error) => error.message,
    )
    if (isAmong(loop, loop.mapping, await swapAreas(host)))
      throw new Error(`swap on ${device} is still on, what is in it must fit into the node's memory first: ${end}`)
  }
}

/**
 * Takes the mapping off. The key goes with it: what is in the file is then nobody's to read. Throws Error while swap is
 * on it.
 */
export async function closeSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const { device, isOn, mapping } of await ownLoops(swap, host)) {
    if (isOn) throw new Error(`swap on ${device} is still on`)
    if (mapping) await closeMapping(device, host.run)
    if (await mappingOn(device, sysOf(host)))
      throw new Error(`the encryption of ${device} cannot be closed: it is in use`)
  }
}

/**
 * Detaches the loop devices of this host's files. Detaching what is in use succeeds, and happens later, so it is looked
 * at again. Throws Error while one is left.
 */
export async function detachSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  for (const { device, isOn, mapping } of await ownLoops(swap, host)) {
    if (isOn) throw new Error(`swap on ${device} is still on`)
    if (mapping) throw new Error(`the encryption of ${device} is still open`)
    await runOk(host.run, ['losetup', '--detach', device], { timeoutMs: commandMs })
  }
  const left = await ownLoops(swap, host)
  if (left.length > 0)
    throw new Error(`${left.map(({ device }) => device).join(', ')} cannot be detached: it is in use`)
}

/** Removes this host's swap files. Throws Error while a loop device is attached to one. May be repeated. */
export async function removeSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const left = await ownLoops(swap, host)
  if (left.length > 0) throw new Error(`${left[0]!.device} is still attached to ${left[0]!.file}`)
  const files = await filesIn(swap, host)
  await removeFiles(
    files.map(({ path }) => path),
    host.run,
  )
}

/** Base names of the block devices that are swapped on, `loop7`; undefined where the kernel has no swap. Source: proc(5). */
async function swapAreas({ root = '' }: SwapHost): Promise<Set<string> | undefined> {
  const text = await readFile(`${root}/proc/swaps`, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseSwaps(text)
}

/** Base names of the devices in the text of /proc/swaps, as in `loop7` or `dm-3`. Source: proc(5). */
export function parseSwaps(text: string): Set<string> {
  const lines = text.split('\n').slice(1)
  return new Set(lines.flatMap((line) => (line === '' ? [] : [basename(line.split(/\s/)[0]!)])))
}

/** What is on stays, and what has to go needs nothing. */
async function whyNone(swap: DesiredSwap, loops: readonly SwapLoop[], host: SwapHost): Promise<string | undefined> {
  if (swap.wanted === 'absent' || loops.some(({ isOn }) => isOn)) return undefined
  if (!(await swapAreas(host))) return 'the kernel of this node has no swap (CONFIG_SWAP)'
  // It is there before its module is loaded.
  const hasLoops = await access(`${host.root ?? ''}/dev/loop-control`).then(
    () => true,
    () => false,
  )
  if (!hasLoops) return 'this node has no loop devices to swap on (/dev/loop-control is missing: modprobe loop)'
  return host.plaintext ? undefined : whyNotEncrypted(host.run)
}

async function mountOf({ path, volume, directory }: DesiredSwap, { root = '' }: SwapHost) {
  const found = mountedAt(await mountTable('self', `${root}/proc`), path)
  return found?.type === 'fuse.glusterfs' && found.source.endsWith(`:/${volume}${directory}`) ? found : undefined
}

/** Our files in the mount; whole: as large as wanted, and every byte of it allocated. */
async function filesIn(swap: DesiredSwap, { self, run }: SwapHost): Promise<{ path: string; isWhole: boolean }[]> {
  const argv = ['find', swap.path, '-maxdepth', '1', '-type', 'f', '-printf', '%f %s %b\\n'] as const
  const { code, stdout } = await run(argv, { timeoutMs: commandMs })
  // A client that died: its files are out of reach, and go with the volume.
  if (code !== 0) return []
  return stdout.split('\n').flatMap((line) => {
    const [name, size, blocks] = line.split(' ')
    if (name === undefined || !isOurName(name, self)) return []
    const isWhole = Number(size) === swap.sizeBytes && Number(blocks) * 512 >= swap.sizeBytes
    return [{ path: `${swap.path}/${name}`, isWhole }]
  })
}

/**
 * A file that is to go is no reason to wait: first comes what is attached to it, and where the buffer does not answer, the file
 * goes with the volume.
 */
async function filesLeft(swap: DesiredSwap, attached: number, host: SwapHost) {
  if (swap.wanted === 'on') return filesIn(swap, host)
  return attached > 0 ? [] : filesIn(swap, host).catch(() => [])
}

async function removeFiles(paths: string[], run: Run): Promise<void> {
  if (paths.length > 0) await runOk(run, ['rm', '--force', '--', ...paths], { timeoutMs: commandMs })
}

async function ownLoops(swap: DesiredSwap, host: SwapHost): Promise<SwapLoop[]> {
  return loopsOf(await mountOf(swap, host), host)
}

async function attachedLoop(swap: DesiredSwap, host: SwapHost): Promise<SwapLoop> {
  const loop = (await ownLoops(swap, host))[0]
  if (!loop) throw new Error(`no loop device is attached to the swap file in ${swap.path}`)
  return loop
}

/** Attached to one of our files, whose names hold the session's id and this host. */
async function loopsOf(mounted: MountEntry | undefined, host: SwapHost): Promise<SwapLoop[]> {
  if (!mounted) return []
  const areas = await swapAreas(host)
  const found = []
  for (const loop of await loopsOn(mounted, host.run, sysOf(host))) {
    if (!isOurName(basename(loop.file), host.self)) continue
    const mapping = await mappingOn(loop.device, sysOf(host))
    found.push({ ...loop, ...(mapping ? { mapping } : {}), isOn: isAmong(loop, mapping, areas) })
  }
  return found
}

/** The loop device itself, where swap is in clear, or its mapping, which /proc/swaps calls by either of its names. */
function isAmong({ device }: AttachedLoop, mapping: Mapping | undefined, areas: Set<string> | undefined): boolean {
  const names = [basename(device), ...(mapping ? [mapping.kernelName, mapping.name] : [])]
  return names.some((name) => areas?.has(name) ?? false)
}

/** What is swapped on: the mapping, unless there is none, or the loop device itself is on. */
function areaOf({ device, mapping }: SwapLoop, areas?: Set<string>): string {
  return mapping && !areas?.has(basename(device)) ? mappingDevice(device) : device
}

function sysOf({ root = '' }: SwapHost): string {
  return `${root}/sys`
}

function isOurName(name: string, self: string): boolean {
  return name.startsWith(`${self}.`) && /^[0-9]{1,3}$/.test(name.slice(self.length + 1))
}
