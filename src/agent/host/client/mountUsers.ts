import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { startOf } from '../exec/bootId.js'
import { tableByNamespace } from '../exec/mounts.js'
import type { Run } from '../exec/run.js'

/*
 * Which processes use a mount: their working directory, root, program, an open file or a mapped file is on it. Compares
 * the numbers of the mount and of its file system, never a path, which renames, deletions, bind mounts and other mount
 * namespaces make unreliable.
 */
export interface MountUser {
  pid: number
  /** The real uid. */
  uid: number
  /** One of its uids is root's: a daemon, an operator's shell, the data plane's client, this agent. */
  isRoots: boolean
  /** Its name, which the process may choose. */
  command: string
  /** When it began: distinguishes it from a later process with the same pid. */
  start: string
}

const commandMs = 30_000
/** O_PATH of Linux, which Node does not name: opening with it does not contact the file's server, which may hang. */
const pathOnly = 0o10000000

/**
 * Processes in any mount namespace that use one of the file systems with these numbers, `major:minor`. Without this
 * process and those that have ended.
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
 * Signals the processes that are still the same and not root's. Resolves when they have ended, or after `effectMs`;
 * never throws.
 */
export async function endAll(users: readonly MountUser[], name: NodeJS.Signals, effectMs: number): Promise<void> {
  for (const user of users) signal(user, name)
  const last = performance.now() + effectMs
  while (performance.now() < last && users.some(isThere)) await pause(50)
}

/** Checks again before it signals: a pid is reused, and a process may have become root's. */
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

/** Undefined for a process that has ended, also for a zombie. Source: proc(5). */
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

/** Whether its working directory, root or program is on one of the mounts. */
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

/**
 * Processes that have mapped a file on it. A child process reads the maps, because reading those of a hanging process
 * may hang.
 */
async function mapping(pids: number[], devices: ReadonlySet<string>, run: Run): Promise<number[]> {
  if (pids.length === 0) return []
  const numbers = [...devices].flatMap((device) => {
    const [major, minor] = device.split(':').map((part) => Number(part).toString(16).padStart(2, '0'))
    // The number follows addresses, rights and offset: the file name at the end of the line may contain anything.
    return ['-e', `^[^ ]+ [^ ]+ [^ ]+ ${major}:${minor} `]
  })
  const files = pids.map((pid) => `/proc/${pid}/maps`)
  const found = await run(['grep', '--files-with-matches', '--no-messages', '-E', ...numbers, '--', ...files], {
    timeoutMs: commandMs,
  }).catch(() => ({ stdout: '' }))
  return [...found.stdout.matchAll(/^\/proc\/(\d+)\/maps$/gm)].map(([, pid]) => Number(pid))
}
