import { rmdir } from 'node:fs/promises'
import { dirname, normalize } from 'node:path'
import type { DesiredMount } from '../../../model/documents/mount.js'
import { type MountFacts, Refusal } from '../../port/host.js'
import type { Client } from '../dataplane/dataPlane.js'
import { type AttachedLoop, loopsBelow, loopsOn } from '../disk/loops.js'
import { mountedAt, type MountEntry, mountTable } from '../exec/mounts.js'
import { usersKeeping, type Leftovers } from './leftovers.js'
import { cannotBeUnmounted, mountSilent, notBelowMountRoot, notMounted } from './messages.js'
import { makePassable } from '../exec/passable.js'
import { type Run, runOk } from '../exec/run.js'

/*
 * Buffers mounted on a compute node. The mount table and a read show whether a mount exists, never the exit code (mount
 * may exit with 0 when it was refused). A mount whose servers hang blocks every process that touches it, so only child
 * processes do.
 */
const mountMs = 30_000
const readMs = 10_000

/**
 * What is mounted at the buffer's path, whether it answers within ten seconds and shows the certificate that it should, and which
 * leftovers of its job are to be ended now.
 */
export async function mountFacts(
  mount: DesiredMount,
  leftIn: Leftovers['facts'],
  client: Pick<Client, 'follow' | 'hasOldCertificate' | 'isLeft'>,
  run: Run,
): Promise<MountFacts> {
  const found = mountedAt(await mountTable(), mount.path)
  const leftovers = await leftIn(mount, found)
  if (!found) {
    const isLeft = mount.wanted === 'absent' && (await client.isLeft(mount.path))
    return { alive: false, ...(isLeft ? { isLeft } : {}) }
  }
  const loops = mount.view === 'swap' ? (await loopsIn(found, run)).map(({ device }) => device) : undefined
  const mounted = { source: found.source, type: found.type }
  const alive = await answers(mount.path, run)
  if (alive) await client.follow(mount.path)
  const isSizeAsked = alive && mount.wanted === 'present' && mount.direct?.minBytes !== undefined
  return {
    mounted,
    alive,
    // One that cannot be asked is not known to be whole.
    ...(isSizeAsked ? { shownBytes: await fileSystemBytes(mount.path, run).catch(() => 0) } : {}),
    ...((await client.hasOldCertificate(mount, mount.path)) ? { hasOldCertificate: true as const } : {}),
    ...(loops ? { loops } : {}),
    ...(leftovers ? { leftovers } : {}),
  }
}

/** In doubt, counts a loop device as in the mount, so that a mount with swap on it stays. */
function loopsIn(mount: MountEntry, run: Run): Promise<AttachedLoop[]> {
  return loopsOn(mount, run).catch(() => loopsBelow(mount.path))
}

/**
 * Mounts the volume, or its directory, at the document's path and checks that it answers. Does not check what is
 * mounted there already: call `mountFacts` first. Throws Refusal for a path that is not below `mountRoot`, CommandError
 * or Error when no server answers or mount fails.
 */
export async function mountBuffer(mount: DesiredMount, mountRoot: string, client: Client, run: Run): Promise<void> {
  requireBelowMountRoot(mount.path, mountRoot)
  const servers = await client.liveFirst(mount.servers)
  await makePassable(mount.path, client.mountPointMode, run)
  await client.mount({ ...mount, servers }, mount.path, mount)
  if (!mountedAt(await mountTable(), mount.path)) throw new Error(notMounted(mount.volume, mount.path))
  if (!(await answers(mount.path, run))) throw new Error(mountSilent(mount.volume, mount.path))
}

/**
 * Unmounts the buffer, not lazily, also the mount of a dead client. While it is in use, throws Error, which names what
 * uses it. Throws Refusal when processes of the job still use it after their time: then the scheduler no longer waits
 * for this host. May be repeated, also where nothing is mounted.
 */
export async function unmountBuffer(
  mount: DesiredMount,
  mountRoot: string,
  isTimeOver: Leftovers['refused'],
  client: Pick<Client, 'unmounted'>,
  run: Run,
): Promise<void> {
  try {
    requireBelowMountRoot(mount.path, mountRoot)
  } catch (error) {
    // The scheduler cuts off a host that reports a Refusal. A wrong setting is not a reason for that.
    throw mount.wanted === 'absent' ? new Error((error as Error).message) : error
  }
  const { reason, found } = await unmount(mount.path, run)
  if (found) {
    const kept = await usersKeeping(found, run).catch(() => '')
    const message = cannotBeUnmounted(mount.path, reason, kept)
    if (mount.wanted === 'present' || !isTimeOver(found)) throw new Error(message)
    // Data that processes have written there must arrive before this host is cut off.
    await run(['sync', '--file-system', '--', mount.path], { timeoutMs: mountMs }).catch(() => undefined)
    throw new Refusal(message)
  }
  await removeEmpty(mount.path, mountRoot)
  // The last: what is left of it tells the next agent that this was not finished.
  await client.unmounted(mount.path)
}

/** Runs umount, which a hanging server may delay. Returns the mount if it is still there, and why. */
async function unmount(path: string, run: Run): Promise<{ reason: string; found: MountEntry | undefined }> {
  const reason = await run(['umount', '--', path], { timeoutMs: mountMs }).then(
    ({ stderr }) => stderr.trim(),
    (error: unknown) => String(error),
  )
  return { reason, found: mountedAt(await mountTable(), path) }
}

/** Removes the directories that mountBuffer created, up to the root. Directories that are not empty stay. */
async function removeEmpty(path: string, mountRoot: string): Promise<void> {
  for (let at = path; at.startsWith(`${mountRoot}/`); at = dirname(at)) {
    try {
      await rmdir(at)
    } catch {
      return
    }
  }
}

function requireBelowMountRoot(path: string, mountRoot: string): void {
  if (normalize(path) !== path || path.endsWith('/') || !path.startsWith(`${mountRoot}/`)) {
    throw new Refusal(notBelowMountRoot(path, mountRoot))
  }
}

/** Asked by a child process. Throws CommandError when the file system does not answer within ten seconds. */
async function fileSystemBytes(path: string, run: Run): Promise<number> {
  const argv = ['stat', '--file-system', '--format=%b %S', '--', path] as const
  const { stdout } = await runOk(run, argv, { timeoutMs: readMs })
  const [blocks, blockBytes] = stdout.split(' ').map(Number)
  return blocks! * blockBytes!
}

/** Whether a child process could stat that path within ten seconds. False also for a path that does not exist. */
export async function answers(path: string, run: Run): Promise<boolean> {
  return run(['stat', '--format=%i', '--', path], { timeoutMs: readMs }).then(
    ({ code }) => code === 0,
    () => false,
  )
}
