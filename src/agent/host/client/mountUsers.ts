import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { startOf } from '../exec/bootId.js'
import { tableByNamespace } from '../exec/mounts.js'
import type { Run } from '../exec/run.js'

/*
 * Which processes use a mount: their working directory, root, program, an open file or memory of a file lies on it. Told by the
 * number of the mount and of its file system, never by a path, which renames, deletions, bind mounts and other mount
 * namespaces make say anything.
 */
export interface MountUser {
  pid: number
  /** The real one. */
  uid: number
  /** One of its uids is root's: a daemon, an operator's shell, the data plane's client, this agent. */
  isRoots: boolean
  /** What it calls itself. */
  command: string
  /** When it began: a process that got its pid is another one. */
  start: string
}

const commandMs = 30_000
/** O_PATH of Linux, which Node does not name: to open so asks nothing of the file's server, which may hang. */
const pathOnly = 0o10000000

/**
 * Processes that use one of the file systems of these numbers, `major:minor`, in whatever mount namespace. This process
 * and ended ones are not among them.
 */
export async function usersOfMounts(devices: ReadonlySet<string>, run: Run): Promise<MountUser[]> {
  const found = new Map<number, MountUser>()
  const others = new Map<number, MountUser>()
  for (const { pids, table } of await tableByNamespace()) {
    const ids = new Set(table.filter(({ device }) => devices.has(device)).map(({ id }) => id))
    if (ids.size === 0) continue
    for (const pid of pids) {
      const user = processOf(Number(pid))
      if (!user) continue
      ;(hasPathIn(pid, ids) || hasFileIn(pid, ids) ? found : others).set(user.pid, user)
    }
  }
  for (const pid of await mapping([...others.keys()], devices, run)) found.set(pid, others.get(pid)!)
  return [...found.values()]
}

/**
 * Signals those that are still the same process and not root's. Resolves when they are gone, or after `effectMs`; never
 * throws.
 */
export async function endAll(users: readonly MountUser[], name: NodeJS.Signals, effectMs: number): Promise<void> {
  for (const user of users) signal(user, name)
  const last = performance.now() + effectMs
  while (performance.now() < last && users.some(isThere)) await pause(50)
}

/** Looked at again right before: a pid is given out again, and a process may have become root's. */
function signal(user: MountUser, name: NodeJS.Signals): void {
  try {
    const now = processOf(user.pid)
    if (now?.start === user.start && !now.isRoots) process.kill(user.pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

function isThere({ pid, start }: MountUser): boolean {
  return processOf(pid)?.start === start
}

/** Source: proc(5). Nothing of a process that has ended, and waits for its parent to hear of it. */
function processOf(pid: number): MountUser | undefined {
  if (pid === process.pid) return undefined
  try {
    const uids = /^Uid:\t([0-9\t]+)$/m
      .exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      ?.split('\t')
      .map(Number)
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const end = stat.lastIndexOf(')')
    const state = stat[end + 2]
    if (!uids || state === 'Z' || state === 'X') return undefined
    const command = stat.slice(stat.indexOf('(') + 1, end)
    return { pid, uid: uids[0]!, isRoots: uids.includes(0), command, start: startOf(stat) }
  } catch {
    return undefined
  }
}

/** Its working directory, root or program. */
function hasPathIn(pid: string, ids: ReadonlySet<string>): boolean {
  return ['cwd', 'root', 'exe'].some((name) => {
    let file: number | undefined
    try {
      file = openSync(`/proc/${pid}/${name}`, pathOnly)
      return ids.has(mountOf('self', file) ?? '')
    } catch {
      return false
    } finally {
      if (file !== undefined) closeSync(file)
    }
  })
}

function hasFileIn(pid: string, ids: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fdinfo`).some((name) => {
      try {
        return ids.has(mountOf(pid, name) ?? '')
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

function mountOf(pid: string, file: number | string): string | undefined {
  return /^mnt_id:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${file}`, 'utf8'))?.[1]
}

/** Those that have memory of a file in it. A process that hangs may keep its maps, so that a child reads them. */
async function mapping(pids: number[], devices: ReadonlySet<string>, run: Run): Promise<number[]> {
  if (pids.length === 0) return []
  const numbers = [...devices].flatMap((device) => {
    const [major, minor] = device.split(':').map((part) => Number(part).toString(16).padStart(2, '0'))
    // Behind addresses, rights and offset: the name of a file at the line's end may hold anything.
    return ['-e', `^[^ ]+ [^ ]+ [^ ]+ ${major}:${minor} `]
  })
  const files = pids.map((pid) => `/proc/${pid}/maps`)
  const found = await run(['grep', '--files-with-matches', '--no-messages', '-E', ...numbers, '--', ...files], {
    timeoutMs: commandMs,
  }).catch(() => ({ stdout: '' }))
  return [...found.stdout.matchAll(/^\/proc\/(\d+)\/maps$/gm)].map(([, pid]) => Number(pid))
}
