import type { Clock } from '../../../daemon/clock.js'
import type { Log } from '../../../daemon/log.js'
import type { DesiredMount } from '../../../model/documents/mount.js'
import { isWithin } from '../../../model/paths.js'
import type { MountFacts } from '../../port/host.js'
import { type MountEntry, mountedAt, mountTable } from '../exec/mounts.js'
import { endAll, type MountUser, usersOfMounts } from './mountUsers.js'
import type { Run } from '../exec/run.js'

/*
 * What a job leaves in its mount: processes that outlive it, and FUSE mounts of its user's below. The kernel keeps a mount that is
 * in use, and with it the volume and its devices, so both are ended some time after the job:
 *
 *   the unmount is refused   nothing is done for the grace
 *   graceSeconds later       users' processes in it are told to end, each time that it is tried
 *   killSeconds later        they are killed, and users' FUSE mounts below it are taken off
 *   giveUpSeconds later      the host says that it cannot; it goes on trying once a minute
 *
 * INVARIANTS: each of these is a step of the reconciler, which reads the desired document again before it. Nothing of root's is
 * ended or taken off, and nothing is unmounted lazily. No file in the mount is touched: it may hang.
 */
export interface LeftoverTimes {
  graceMs: number
  killMs: number
  giveUpMs: number
}

/**
 * What is to be done about processes and mounts that a job left; remembers, by mount, when its unmount was refused
 * first.
 */
export interface Leftovers {
  /**
   * What is to be ended now of what was left in a mount that must go; undefined while the grace lasts. Forgets the
   * refusals of one that is gone or wanted again. `found`: the mount as the table has it.
   */
  facts(mount: DesiredMount, found: MountEntry | undefined): Promise<MountFacts['leftovers']>
  /** The unmount was refused: notes the first time. True when the time for trying is over. */
  refused(found: MountEntry): boolean
  /**
   * Signals users' processes in the mount and in users' mounts below it, and gives them three seconds to end. Never
   * root's. Does nothing where nothing is mounted.
   */
  signal(mount: DesiredMount, name: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Takes a user's FUSE mount off, as that user. Does not throw when that fails: the unmount that follows shows it. */
  unmountBelow(mount: DesiredMount, below: string): Promise<void>
}

const commandMs = 30_000
/** So long a signal is given to take effect before the unmount is tried; one that was killed and stays hangs in the kernel. */
const effectMs = 3_000
/**
 * They take a mount off for the user who runs them, and trust no directory of that user's. The right that their set-uid bit would
 * give is handed to them, for that bit has no effect in the agent's unit. The data plane's own come behind these.
 */
const unmounting = ['--inh-caps=+sys_admin', '--ambient-caps=+sys_admin']
const usualFusermounts = ['fusermount3', 'fusermount']

/** One of these a host: what it remembers is lost with the agent, and the grace begins anew. */
export function leftovers(
  parts: LeftoverTimes & { fusermounts: readonly string[]; run: Run; clock: Clock; log: Log },
): Leftovers {
  const { graceMs, killMs, giveUpMs, run, clock, log } = parts
  const fusermounts = [...usualFusermounts, ...parts.fusermounts]
  /** By path: when the unmount of that very mount was refused first. */
  const refusals = new Map<string, { mount: string; firstMs: number }>()
  const elapsedMs = (found: MountEntry) => {
    const refusal = refusals.get(found.path)
    return refusal?.mount === nameOf(found) ? clock.monotonicMs() - refusal.firstMs : undefined
  }
  return {
    async facts(mount, found) {
      // Wanted again, or gone: what comes later is another end of another job.
      if (mount.wanted === 'present' || !found) {
        refusals.delete(mount.path)
        return undefined
      }
      const elapsed = elapsedMs(found)
      if (elapsed === undefined || elapsed < graceMs) return undefined
      if (elapsed < graceMs + killMs) return { signal: 'SIGTERM', below: [] }
      const below = mountsBelow(await mountTable(), found).filter((entry) => userOf(entry) !== undefined)
      // What was mounted last lies on top.
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
      log.warn('taking off a mount that a job left in its buffer', { path: below, uid: user.uid })
      // As its user: the directories above it are the user's, who may put a link in place of one at any moment.
      for (const program of fusermounts) {
        const as = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...unmounting] as const
        const ended = await run([...as, '--', program, '-u', '--', below], { timeoutMs: commandMs }).catch(
          (error: unknown) => ({ code: 1, stderr: String(error) }),
        )
        if (ended.code === 0) return
        log.warn('a mount that a job left in its buffer stays', { path: below, reason: ended.stderr })
      }
    },
  }
}

/**
 * What keeps a mount, for people: mounts below it, and processes that use it, five of each. Begins with `; `, or is
 * empty. Printable ASCII alone, whatever users call theirs.
 */
export async function usersKeeping(found: MountEntry, run: Run): Promise<string> {
  const below = mountsBelow(await mountTable(), found)
  const devices = new Set([found.device, ...below.filter((entry) => userOf(entry) !== undefined).map((m) => m.device)])
  const users = await usersOfMounts(devices, run).catch(() => [])
  const mounts = some(below.map(({ path, type }) => `${printable(path)} (${printable(type)}) mounted in it`))
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
  return `process ${pid} (${printable(command)}) of uid ${uid}`
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}

function mountsBelow(table: readonly MountEntry[], { path }: MountEntry): MountEntry[] {
  return table.filter((entry) => entry.path !== path && isWithin(entry.path, path))
}

/** Users can make mounts of FUSE alone, and the kernel says whose each is; undefined for root's. */
function userOf({ type, options }: MountEntry): { uid: number; gid: number } | undefined {
  if (type !== 'fuse' && !type.startsWith('fuse.')) return undefined
  const of = (name: string) => options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
  const [uid, gid] = [Number(of('user_id') ?? 0), Number(of('group_id') ?? 0)]
  return uid > 0 && gid > 0 ? { uid, gid } : undefined
}

/** Numbers of mounts are given out again. */
function nameOf({ id, device }: MountEntry): string {
  return `${id} ${device}`
}
