import type { DesiredSwap } from '../../../model/documents/swap.js'
import { Refusal } from '../../port/host.js'
import { type Run, runOk } from '../exec/run.js'
import { commandMs, type SwapHost, mountOf, isOurName } from './swapHost.js'
import { cannotAllocate, noRoomForSwap, notAllAllocated, stillAttached } from './messages.js'
import { ownLoops } from './swapLoops.js'

/** Allocating is fast on XFS, whatever the size, and takes a few calls to a brick. */
const allocateMs = 60_000
/** A file is on one brick, which depends on its name: other names try other bricks. */
const maxNames = 32

/**
 * Creates the swap file of `sizeBytes`, on one brick, under the first name whose brick has the space. Keeps a complete
 * file, and replaces other files of this host. Throws Refusal when no brick has the space, Error while the buffer is
 * not mounted.
 */
export async function allocateSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const { self, run } = host
  if (!(await mountOf(swap, host))) throw new Error(`${swap.path} is not mounted`)
  const present = await filesIn(swap, host)
  if (present.some(({ isWhole }) => isWhole)) return
  // Incomplete files of an agent that was killed; no loop device is attached to them.
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
      throw new Refusal(notAllAllocated(path, swap.sizeBytes))
    }
    await removeFiles([path], run)
    if (!/No space left on device/.test(stderr))
      throw new Error(cannotAllocate(path, stderr.trim() || `exit code ${code} of fallocate`))
  }
  throw new Refusal(noRoomForSwap(swap.volume, swap.sizeBytes))
}

/** Removes this host's swap files. Throws Error while a loop device is attached to one. May be repeated. */
export async function removeSwap(swap: DesiredSwap, host: SwapHost): Promise<void> {
  const left = await ownLoops(swap, host)
  if (left.length > 0) throw new Error(stillAttached(left[0]!.device, left[0]!.file))
  const files = await filesIn(swap, host)
  await removeFiles(
    files.map(({ path }) => path),
    host.run,
  )
}

/** Our files in the mount. `isWhole`: the file has the wanted size, and all of it is allocated. */
export async function filesIn(
  swap: DesiredSwap,
  { self, run }: SwapHost,
): Promise<{ path: string; isWhole: boolean }[]> {
  const argv = ['find', swap.path, '-maxdepth', '1', '-type', 'f', '-printf', '%f %s %b\\n'] as const
  const { code, stdout } = await run(argv, { timeoutMs: commandMs })
  // The client has died: its files cannot be reached, and are deleted with the volume.
  if (code !== 0) return []
  return stdout.split('\n').flatMap((line) => {
    const [name, size, blocks] = line.split(' ')
    if (name === undefined || !isOurName(name, self)) return []
    const isWhole = Number(size) === swap.sizeBytes && Number(blocks) * 512 >= swap.sizeBytes
    return [{ path: `${swap.path}/${name}`, isWhole }]
  })
}

async function removeFiles(paths: string[], run: Run): Promise<void> {
  if (paths.length > 0) await runOk(run, ['rm', '--force', '--', ...paths], { timeoutMs: commandMs })
}
