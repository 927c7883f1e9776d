import { rmdir } from 'node:fs/promises'
import { dirname, normalize } from 'node:path'
import type { DesiredMount } from '../../../model/documents/mount.js'
import { type MountFacts, Refusal } from '../../port/host.js'
import type { Client } from '../dataplane/dataPlane.js'
import { type AttachedLoop, loopsBelow, loopsOn } from '../disk/loops.js'
import { mountedAt, type MountEntry, mountTable } from '../exec/mounts.js'
import { usersKeeping, type Leftovers } from './leftovers.js'
import { makePassable } from '../exec/passable.js'
import type { Run } from '../exec/run.js'

/*
 * Buffers mounted on a compute node. The mount table and a read tell whether a mount is there, never the exit code (mount
 * may exit 0 when it was refused). A mount whose servers hang blocks whoever touches it, so only child processes do.
 */
const mountMs = 30_000
const readMs = 10_000

/**
 * What is mounted at the buffer's path, whether it answers within ten seconds, and what of its job's leftovers is to be
 * ended now.
 */
export async function mountFacts(mount: DesiredMount, leftIn: Leftovers['facts'], run: Run): Promise<MountFacts> {
  const found = mountedAt(await mountTable(), mount.path)
  const leftovers = await leftIn(mount, found)
  if (!found) return { alive: false }
  const loops = mount.view === 'swap' ? (await loopsIn(found, run)).map(({ device }) => device) : undefined
  const mounted = { source: found.source, type: found.type }
  return {
    mounted,
    alive: await answers(mount.path, run),
    ...(loops ? { loops } : {}),
    ...(leftovers ? { leftovers } : {}),
  }
}

/** In doubt they lie in it: what holds swap stays. */
function loopsIn(mount: MountEntry, run: Run): Promise<AttachedLoop[]> {
  return loopsOn(mount, run).catch(() => loopsBelow(mount.path))
}

/**
 * Mounts the volume, or its directory, at the document's path and sees that it answers. What is mounted there already
 * is not looked at: ask `mountFacts` first. Throws Refusal for a path that is not below `mountRoot`, CommandError or
 * Error when no server answers or mount fails.
 */
export async function mountBuffer(mount: DesiredMount, mountRoot: string, client: Client, run: Run): Promise<void> {
  requireBelowMountRoot(mount.path, mountRoot)
  const servers = await client.liveFirst(mount.servers)
  await makePassable(mount.path, '755', run)
  await client.mount({ ...mount, servers }, mount.path, mount)
  if (!mountedAt(await mountTable(), mount.path))
    throw new Error(`${mount.volume} is not mounted at ${mount.path} although mount said so`)
  if (!(await answers(mount.path, run)))
    throw new Error(`${mount.volume} is mounted at ${mount.path} and does not answer`)
}

/**
 * Not lazily: what is in use stays, and the Error says what keeps it. Takes a dead client's mount off too. Throws
 * Refusal when what a job left in it does not let go in the time for that: from then on the scheduler waits no more for
 * this host. May be repeated, also where nothing is mounted.
 */
export async function unmountBuffer(
  mount: DesiredMount,
  mountRoot: string,
  isTimeOver: Leftovers['refused'],
  run: Run,
): Promise<void> {
  try {
    requireBelowMountRoot(mount.path, mountRoot)
  } catch (error) {
    // Settings are no reason to cut this host off.
    throw mount.wanted === 'absent' ? new Error((error as Error).message) : error
  }
  const { reason, found } = await unmount(mount.path, run)
  if (found) {
    const kept = await usersKeeping(found, run).catch(() => '')
    const message = `${mount.path} cannot be unmounted: ${reason}${kept}`
    if (mount.wanted === 'present' || !isTimeOver(found)) throw new Error(message)
    // What processes have written there has to arrive before this host is cut off.
    await run(['sync', '--file-system', '--', mount.path], { timeoutMs: mountMs }).catch(() => undefined)
    throw new Refusal(message)
  }
  await removeEmpty(mount.path, mountRoot)
}

/** Why it is still there, if it is. A server that hangs may hold umount up. */
async function unmount(path: string, run: Run): Promise<{ reason: string; found: MountEntry | undefined }> {
  const reason = await run(['umount', '--', path], { timeoutMs: mountMs }).then(
    ({ stderr }) => stderr.trim(),
    (error: unknown) => String(error),
  )
  return { reason, found: mountedAt(await mountTable(), path) }
}

/** Takes off the directories that mountBuffer made, up to the root; one that somebody else put something into stays. */
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
    throw new Refusal(
      `${path} is not below this host's mountRoot ${mountRoot}: make the settings of agent and scheduler the same`,
    )
  }
}

/** Whether a child process could look at that path within ten seconds. False for one that is absent, too. */
export async function answers(path: string, run: Run): Promise<boolean> {
  return run(['stat', '--format=%i', '--', path], { timeoutMs: readMs }).then(
    ({ code }) => code === 0,
    () => false,
  )
}
