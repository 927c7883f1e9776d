import { access, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { DesiredSwap } from '../../model/documents.js'
import { Refusal, type SwapFacts } from '../host.js'
import { type AttachedLoop, loopsOn } from './loops.js'
import { mountedAt, type MountEntry, mountTable } from './mounts.js'
import { type Run, runOk } from './run.js'

/*
 * Swap on a buffer: a file of root's in a directory of root's, on a loop device, because the kernel takes no swap file of a
 * FUSE file system. Nothing is remembered: the mount table, the files, /sys/block and /proc/swaps tell what is done. The
 * buffer is touched by child processes alone, for it may hang.
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
const mostNames = 32

export async function swapFacts(swap: DesiredSwap, self: string, run: Run): Promise<SwapFacts> {
  const areas = await swapAreas()
  const unsupported = await whyNone(areas)
  const mounted = mountOf(swap, await mountTable())
  const loops = await loopsOf(self, mounted, run)
  return {
    ...(unsupported === undefined ? {} : { unsupported }),
    isMounted: mounted !== undefined,
    files: mounted ? await filesLeft(swap, self, loops.length, run) : [],
    loops: loops.map(({ device }) => ({ device, isOn: areas?.has(basename(device)) ?? false })),
  }
}

export async function allocateSwap(swap: DesiredSwap, self: string, run: Run): Promise<void> {
  if (!mountOf(swap, await mountTable())) throw new Error(`${swap.path} is not mounted`)
  const present = await filesIn(swap, self, run)
  if (present.some(({ isWhole }) => isWhole)) return
  // Begun by an agent that was killed; no loop device is attached to a file that is not whole.
  await removeFiles(
    present.map(({ path }) => path),
    run,
  )
  for (let number = 0; number < mostNames; number++) {
    const path = `${swap.path}/${self}.${number}`
    await runOk(run, ['install', '--mode=600', '--', '/dev/null', path], { timeoutMs: commandMs })
    const size = String(swap.sizeBytes)
    const { code, stderr } = await run(['fallocate', '--length', size, '--', path], { timeoutMs: allocateMs })
    if (code === 0) {
      if ((await filesIn(swap, self, run)).some((file) => file.path === path && file.isWhole)) return
      await removeFiles([path], run)
      throw new Refusal(`${path} was allocated with ${size} bytes, and the file system has fewer of them`)
    }
    await removeFiles([path], run)
    if (!/No space left on device/.test(stderr))
      throw new Error(`${path} cannot be allocated: ${stderr.trim() || `fallocate ended with ${code}`}`)
  }
  throw new Refusal(`no brick of ${swap.volume} has ${swap.sizeBytes} bytes left for swap: ask for a larger capacity=`)
}

/** With direct I/O: what the kernel swaps out must not pass through its page cache once more. */
export async function attachSwap(swap: DesiredSwap, self: string, run: Run): Promise<void> {
  const file = (await filesIn(swap, self, run)).find(({ isWhole }) => isWhole)
  if (!file) throw new Error(`${swap.path} holds no swap file`)
  const options = ['--find', '--nooverlap', '--direct-io=on'] as const
  await runOk(run, ['losetup', ...options, '--', file.path], { timeoutMs: commandMs })
}

/** The kernel's answer is the job's: it will not be another one in a moment. */
export async function enableSwap(swap: DesiredSwap, self: string, run: Run): Promise<void> {
  const loop = (await ownLoops(swap, self, run))[0]
  if (!loop) throw new Error(`no loop device is attached to the swap file in ${swap.path}`)
  if ((await swapAreas())?.has(basename(loop.device))) return
  await runOk(run, ['mkswap', '--', loop.device], { timeoutMs: commandMs })
  const argv = ['swapon', '--priority', String(swap.priority), '--', loop.device] as const
  const { code, stderr } = await run(argv, { timeoutMs: commandMs })
  if (code !== 0) throw new Refusal(`the kernel of this node refuses swap on ${loop.device}: ${stderr.trim()}`)
}

/** /proc/swaps tells, not the exit code: another swapoff, of an agent that was killed, may be at it still. */
export async function disableSwap(swap: DesiredSwap, self: string, run: Run): Promise<void> {
  for (const { device } of await ownLoops(swap, self, run)) {
    if (!(await swapAreas())?.has(basename(device))) continue
    const end = await run(['swapoff', '--', device], { timeoutMs: swapoffMs }).then(
      ({ stderr }) => stderr.trim(),
      (error: Error) => error.message,
    )
    if ((await swapAreas())?.has(basename(device)))
      throw new Error(`swap on ${device} is still on, what is in it must fit into the node's memory first: ${end}`)
  }
}

/** Detaching what is in use succeeds, and happens later: it is looked at again. */
export async function detachSwap(swap: DesiredSwap, self: string, run: Run): Promise<void> {
  for (const { device } of await ownLoops(swap, self, run)) {
    if ((await swapAreas())?.has(basename(device))) throw new Error(`swap on ${device} is still on`)
    await runOk(run, ['losetup', '--detach', device], { timeoutMs: commandMs })
  }
  const left = await ownLoops(swap, self, run)
  if (left.length > 0)
    throw new Error(`${left.map(({ device }) => device).join(', ')} cannot be detached: it is in use`)
}

export async function removeSwap(swap: DesiredSwap, self: string, run: Run): Promise<void> {
  const left = await ownLoops(swap, self, run)
  if (left.length > 0) throw new Error(`${left[0]!.device} is still attached to ${left[0]!.file}`)
  const files = await filesIn(swap, self, run)
  await removeFiles(
    files.map(({ path }) => path),
    run,
  )
}

/** Base names of the block devices that are swapped on, `loop7`; undefined where the kernel has no swap. Source: proc(5). */
async function swapAreas(): Promise<Set<string> | undefined> {
  const text = await readFile('/proc/swaps', 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseSwaps(text)
}

export function parseSwaps(text: string): Set<string> {
  const lines = text.split('\n').slice(1)
  return new Set(lines.flatMap((line) => (line === '' ? [] : [basename(line.split(/\s/)[0]!)])))
}

/** The control device is there before its module is loaded. */
function whyNone(areas: Set<string> | undefined): Promise<string | undefined> {
  if (!areas) return Promise.resolve('the kernel of this node has no swap (CONFIG_SWAP)')
  return access('/dev/loop-control').then(
    () => undefined,
    () => 'this node has no loop devices to swap on (/dev/loop-control is missing: modprobe loop)',
  )
}

function mountOf({ path, volume, directory }: DesiredSwap, table: readonly MountEntry[]): MountEntry | undefined {
  const found = mountedAt(table, path)
  return found?.type === 'fuse.glusterfs' && found.source.endsWith(`:/${volume}${directory}`) ? found : undefined
}

/** Our files in the mount; whole: as large as wanted, and every byte of it allocated. */
async function filesIn(swap: DesiredSwap, self: string, run: Run): Promise<{ path: string; isWhole: boolean }[]> {
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
async function filesLeft(swap: DesiredSwap, self: string, attached: number, run: Run) {
  if (swap.wanted === 'on') return filesIn(swap, self, run)
  return attached > 0 ? [] : filesIn(swap, self, run).catch(() => [])
}

async function removeFiles(paths: string[], run: Run): Promise<void> {
  if (paths.length > 0) await runOk(run, ['rm', '--force', '--', ...paths], { timeoutMs: commandMs })
}

async function ownLoops(swap: DesiredSwap, self: string, run: Run): Promise<AttachedLoop[]> {
  return loopsOf(self, mountOf(swap, await mountTable()), run)
}

/** Attached to one of our files, whose names hold the session's id and this host. */
async function loopsOf(self: string, mounted: MountEntry | undefined, run: Run): Promise<AttachedLoop[]> {
  if (!mounted) return []
  return (await loopsOn(mounted, run)).filter(({ file }) => isOurName(basename(file), self))
}

function isOurName(name: string, self: string): boolean {
  return name.startsWith(`${self}.`) && /^[0-9]{1,3}$/.test(name.slice(self.length + 1))
}
