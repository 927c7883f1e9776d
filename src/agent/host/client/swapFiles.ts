import type { DesiredSwap } from '../../../model/documents/swap.js'
import { Refusal } from '../../port/host.js'
import { type Run, runOk } from '../exec/run.js'
import { commandMs, type SwapHost, mountOf, isOurName } from './swapHost.js'
import { ownLoops } from './swapLoops.js'

/** Allocating takes no time on XFS, whatever the size, and is a few calls to a brick. */
const allocateMs = 60_000
/** A file lies on one brick, which its name decides: other names try other bricks. */
const maxNames = 32

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

/** Our files in the mount; whole: as large as wanted, and every byte of it allocated. */
export async function filesIn(
  swap: DesiredSwap,
  { self, run }: SwapHost,
): Promise<{ path: string; isWhole: boolean }[]> {
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

async function removeFiles(paths: string[], run: Run): Promise<void> {
  if (paths.length > 0) await runOk(run, ['rm', '--force', '--', ...paths], { timeoutMs: commandMs })
}
