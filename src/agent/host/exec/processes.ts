import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { startOf } from './bootId.js'
import { mountTable } from './mounts.js'
import { cannotBeKilled } from './messages.js'
import { processesNamed, programOf, usersOfProcess, wordsOf } from './proc.js'

/** A process, and when it began: a later process with the same pid began later. */
export interface ProcessId {
  pid: number
  start: string
}

export interface Command extends ProcessId {
  /** The name of the file that it runs. */
  program: string
  words: readonly string[]
}

/** The program that serves bricks, and which brick a process of it serves. */
export interface BrickServer {
  program: string
  /** The absolute path of the brick that a process with these words serves; undefined when it serves none. */
  brickOf(words: readonly string[]): string | undefined
}

/** The command lines of all processes that serve bricks or format disks, read once for several questions. */
export function commands(server: BrickServer): Promise<Command[]> {
  return commandsOf([server.program, 'mkfs.xfs'])
}

/**
 * The command lines of all processes of these programs that run as root. Only root serves bricks and formats disks: a
 * process of another user delays nothing, whatever its name and words are. `names`: the names of the processes, if they
 * differ.
 */
export async function commandsOf(programs: readonly string[], names = programs): Promise<Command[]> {
  const found = []
  for (const pid of processesNamed(names)) {
    // Read first, so that a later process with the same pid is not mistaken for it.
    const start = startTimeNow(Number(pid))
    if (start === undefined) continue
    const before = known.get(pid)
    const command = before?.start === start ? before : await commandOf(pid, start)
    if (command && programs.includes(command.program)) found.push(command)
  }
  return found
}

/**
 * What was read of root's processes, by their pids: daemons keep their words, and a host of many bricks would read those of all of
 * them again at each look.
 */
const known = new Map<string, Command>()
const maxKnown = 4_096

/** Undefined for a process that is not root's, or has ended. */
async function commandOf(pid: string, start: string): Promise<Command | undefined> {
  const program = await programOf(pid)
  if (program === undefined || !(await isRoots(pid))) return undefined
  const command = { pid: Number(pid), start, program, words: await wordsOf(pid, 'cmdline') }
  if (known.size >= maxKnown) known.clear()
  // A program that is just being started has no words yet.
  if (command.words[0] !== '') known.set(pid, command)
  return command
}

async function isRoots(pid: string): Promise<boolean> {
  const users = await usersOfProcess(pid)
  return users.length > 0 && users.every((uid) => uid === 0)
}

/**
 * The process among `running` that serves a brick below `mountPath` on that device. Hosts in containers share one
 * process table and have the same paths, so the process must see that device mounted there.
 */
export async function brickProcess(
  mountPath: string,
  numbers: string,
  server: BrickServer,
  running: readonly Command[],
): Promise<ProcessId | undefined> {
  for (const { pid, start, program, words } of running) {
    if (program !== server.program || !server.brickOf(words)?.startsWith(`${mountPath}/`)) continue
    const table = await mountTable(String(pid)).catch(() => [])
    if (table.some((entry) => entry.path === mountPath && entry.device === numbers)) return { pid, start }
  }
  return undefined
}

/**
 * Whether a mkfs of the brick with that uuid is running that began less than `maxMs` ago. It survives a restart of the
 * agent that began it. A mkfs that takes longer hangs.
 */
export async function isBeingFormatted(uuid: string, maxMs: number, running: readonly Command[]): Promise<boolean> {
  for (const { pid, program, words } of running) {
    if (program !== 'mkfs.xfs' || !words.includes(`uuid=${uuid}`)) continue
    // A process whose age cannot be read has ended.
    if ((await ageMs(pid).catch(() => Infinity)) < maxMs) return true
  }
  return false
}

/**
 * /proc/PID/stat has the start in hundredths of a second since boot, after a name that may contain blanks. Source:
 * proc(5).
 */
async function ageMs(pid: number): Promise<number> {
  const [uptime] = (await readFile('/proc/uptime', 'utf8')).split(' ')
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return Number(uptime) * 1000 - Number(start) * 10
}

/** The same as `startTimeOf`, at once: the kernel answers from memory, as in `processesNamed`. */
function startTimeNow(pid: number): string | undefined {
  try {
    return startTimeIn(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return undefined
  }
}

/** When a process began, in clock ticks since boot; undefined when it has ended. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat === undefined ? undefined : startTimeIn(stat)
}

/**
 * The same, from the text of /proc/PID/stat. A zombie has ended, unless it has threads that are still ending: they keep its
 * files and ports. Source: proc(5).
 */
export function startTimeIn(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, threads] = [fields[0]!, Number(fields[17])]
  return 'ZX'.includes(state) && threads <= 1 ? undefined : startOf(stat)
}

/** The very process has not ended. */
export async function isRunning({ pid, start }: ProcessId): Promise<boolean> {
  return (await startTimeOf(pid)) === start
}

/**
 * Sends SIGTERM, and SIGKILL after half the time; never to a later process with the same pid. Resolves when the process
 * has ended; throws Error when it has not after `timeoutMs`.
 */
export async function endProcess({ pid, start }: ProcessId, timeoutMs: number): Promise<void> {
  const isGone = async () => (await startTimeOf(pid)) !== start
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (await isGone()) return
    kill(pid, signal)
    const end = performance.now() + timeoutMs / 2
    for (let waitMs = 5; performance.now() < end; waitMs = Math.min(50, waitMs * 2)) {
      if (await isGone()) return
      await pause(waitMs)
    }
  }
  if (!(await isGone())) throw new Error(cannotBeKilled([pid]))
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}
