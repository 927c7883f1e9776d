import type { Clock } from '../../../daemon/clock.js'
import type { Log } from '../../../daemon/log.js'
import type { DesiredMount } from '../../../model/documents/mount.js'
import { isWithin } from '../../../model/paths.js'
import type { MountFacts } from '../../port/host.js'
import { type MountEntry, mountedAt, mountTable } from '../exec/mounts.js'
import { mountInIt, processInIt } from './messages.js'
import { endAll, type MountUser, usersOfMounts } from './mountUsers.js'
import type { Run } from '../exec/run.js'

/*
 * What a job leaves in its mount: processes that outlive it, and FUSE mounts of its user below. The kernel keeps a
 * mount that is in use, and with it the volume and its devices, so both are ended some time after the job:
 *
 *   the unmount fails        nothing is done for the grace
 *   graceSeconds later       users' processes in the mount get SIGTERM, at each attempt
 *   killSeconds later        they get SIGKILL, and users' FUSE mounts below it are unmounted
 *   giveUpSeconds later      the host reports that it cannot unmount; it keeps trying once a minute
 *
 * INVARIANTS: each of these is a step of the reconciler, which reads the desired document again before it. No process
 * or mount of root's is ended, and nothing is unmounted lazily. No file in the mount is touched: it may hang.
 */
export interface LeftoverTimes {
  graceMs: number
  killMs: number
  giveUpMs: number
}

/**
 * Ends processes and mounts that a job left. Remembers, for each mount, when its unmount first failed.
 */
export interface Leftovers {
  /**
   * The leftovers to end now in a mount that is not wanted any more; undefined while the grace lasts. Forgets the
   * failures of a mount that is gone or wanted again. `found`: the entry of the mount table.
   */
  facts(mount: DesiredMount, found: MountEntry | undefined): Promise<MountFacts['leftovers']>
  /** Notes when the unmount first failed. True when the time for trying is over. */
  refused(found: MountEntry): boolean
  /**
   * Signals users' processes, never root's, in the mount and in users' mounts below it, and gives them three seconds to
   * end. Does nothing where nothing is mounted.
   */
  signal(mount: DesiredMount, name: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Unmounts a user's FUSE mount, as that user. Does not throw when that fails: the unmount that follows shows it. */
  unmountBelow(mount: DesiredMount, below: string): Promise<void>
}

const commandMs = 30_000
/** How long a signal may take before the unmount is tried. A process that was killed and stays hangs in the kernel. */
const effectMs = 3_000
/**
 * Programs that unmount for the user who runs them, and trust no directory of that user. They are given the right of
 * their set-uid bit, because that bit has no effect in the agent's unit. The data plane's own programs are tried after
 * these.
 */
const unmounting = ['--inh-caps=+sys_admin', '--ambient-caps=+sys_admin']
const usualFusermounts = ['fusermount3', 'fusermount']

/** One for each host. It keeps its notes in memory: after a restart of the agent the grace begins again. */
export function leftovers(
  parts: LeftoverTimes & { fusermounts: readonly string[]; run: Run; clock: Clock; log: Log },
): Leftovers {
  const { graceMs, killMs, giveUpMs, run, clock, log } = parts
  const fusermounts = [...usualFusermounts, ...parts.fusermounts]
  /** By path: when the unmount of that mount first failed. */
  const refusals = new Map<string, { mount: string; firstMs: number }>()
  const elapsedMs = (found: MountEntry) => {
    const refusal = refusals.get(found.path)
    return refusal?.mount === nameOf(found) ? clock.monotonicMs() - refusal.firstMs : undefined
  }
  return {
    async facts(mount, found) {
      // Wanted again, or gone: a later failure belongs to the end of another job.
      if (mount.wanted === 'present' || !found) {
        refusals.delete(mount.path)
        return undefined
      }
      const elapsed = elapsedMs(found)
      if (elapsed === undefined || elapsed < graceMs) return undefined
      if (elapsed < graceMs + killMs) return { signal: 'SIGTERM', below: [] }
      const below = mountsBelow(await mountTable(), found).filter((entry) => userOf(entry) !== undefined)
      // The mount that was made last is on top.
      return { signal: 'SIGKILL', below: below.map(({ path }) => path).reverse() }
    },
    refused(found) {
      const elapsed = elapsedMs(found)
      if (elapsed === undefined) refusals.set(found.path, { mount: nameOf(found), firstMs: clock.monotonicMs() })
      return (elapsed ?? 0) >= graceMs + killMs + giveUpMs
    },
    async signal({ path }, name) {
      const table = await mountTable()
      const found = mountedAt(table, path)
      if (!found) return
      const below = mountsBelow(table, found).filter((entry) => userOf(entry) !== undefined)
      const users = await usersOfMounts(new Set([found, ...below].map(({ device }) => device)), run)
      const theirs = users.filter(({ isRoots }) => !isRoots)
      if (theirs.length === 0) return
      log.warn('ending processes that a job left in its buffer', {
        path,
        signal: name,
        processes: theirs.slice(0, 100).map(describeUser),
      })
      await endAll(theirs, name, effectMs)
    },
    async unmountBelow({ path }, below) {
      const table = await mountTable()
      const found = mountedAt(table, path)
      const entry = found && mountsBelow(table, found).findLast((other) => other.path === below)
      const user = entry && userOf(entry)
      if (user === undefined) return
      log.warn('unmounting a mount that a job left in its buffer', { path: below, uid: user.uid })
      // As the user, who owns the directories above it and may replace one with a link at any moment.
      for (const program of fusermounts) {
        const as = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...unmounting] as const
        const ended = await run([...as, '--', program, '-u', '--', below], { timeoutMs: commandMs }).catch(
          (error: unknown) => ({ code: 1, stderr: String(error) }),
        )
        if (ended.code === 0) return
        log.warn('cannot unmount a mount that a job left in its buffer', { path: below, reason: ended.stderr })
      }
    },
  }
}

/**
 * What keeps a mount in use, in words: mounts below it, and processes that use it, five of each. Begins with `; `, or
 * is empty. Only printable ASCII, whatever names users choose.
 */
export async function usersKeeping(found: MountEntry, run: Run): Promise<string> {
  const below = mountsBelow(await mountTable(), found)
  const devices = new Set([found.device, ...below.filter((entry) => userOf(entry) !== undefined).map((m) => m.device)])
  const users = await usersOfMounts(devices, run).catch(() => [])
  const mounts = some(below.map(({ path, type }) => mountInIt(printable(path), printable(type))))
  const processes = some(users.map(describeUser))
  return [...mounts, ...(processes.length > 0 ? ['used by', ...processes] : [])].reduce(
    (text, part, index, all) => `${text}${index === 0 || all[index - 1] === 'used by' ? ' ' : ', '}${part}`,
    mounts.length + processes.length === 0 ? '' : ';',
  )
}

const maxNamed = 5

function some(names: string[]): string[] {
  const more = names.length - maxNamed
  return [...names.slice(0, maxNamed), ...(more > 0 ? [`${more} more`] : [])]
}

function describeUser({ pid, uid, command }: MountUser): string {
  return processInIt(pid, printable(command), uid)
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}

function mountsBelow(table: readonly MountEntry[], { path }: MountEntry): MountEntry[] {
  return table.filter((entry) => entry.path !== path && isWithin(entry.path, path))
}

/** Users can only create FUSE mounts, and the kernel reports the owner of each; undefined for root's. */
function userOf({ type, options }: MountEntry): { uid: number; gid: number } | undefined {
  if (type !== 'fuse' && !type.startsWith('fuse.')) return undefined
  const of = (name: string) => options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
  const [uid, gid] = [Number(of('user_id') ?? 0), Number(of('group_id') ?? 0)]
  return uid > 0 && gid > 0 ? { uid, gid } : undefined
}

/** The id alone is not enough: the kernel reuses ids of mounts. */
function nameOf({ id, device }: MountEntry): string {
  return `${id} ${device}`
}
