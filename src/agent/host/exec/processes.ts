import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { startOf } from './bootId.js'
import { mountTable } from './mounts.js'
import { processesNamed, programOf, usersOfProcess, wordsOf } from './proc.js'

/** A process, and when it began: another one that got its pid since began later. */
export interface ProcessId {
  pid: number
  start: string
}

export interface Command extends ProcessId {
  /** The name of the file that it runs. */
  program: string
  words: readonly string[]
}

/** What serves bricks: its program, and which path it serves, by the words that it was started with. */
export interface BrickServer {
  program: string
  /** The absolute path of the brick that a process with these words serves; undefined when it serves none. */
  brickOf(words: readonly string[]): string | undefined
}

/** What every process that serves bricks or formats disks was started with: read once for all that is looked for together. */
export function commands(server: BrickServer): Promise<Command[]> {
  return commandsOf([server.program, 'mkfs.xfs'])
}

/**
 * What every process of these programs was started with. Only root serves bricks and formats disks: a program of anybody
 * else's holds nothing up, whatever its name and words are. `names`: what they are called, where a program has several.
 */
export async function commandsOf(programs: readonly string[], names = programs): Promise<Command[]> {
  const found = []
  for (const pid of processesNamed(names)) {
    // Before all that is read of it: what took its pid meanwhile is not mistaken for it.
    const start = await startTimeOf(Number(pid))
    const program = await programOf(pid)
    if (start === undefined || program === undefined || !programs.includes(program) || !(await isRoots(pid))) continue
    found.push({ pid: Number(pid), start, program, words: await wordsOf(pid, 'cmdline') })
  }
  return found
}

async function isRoots(pid: string): Promise<boolean> {
  const users = await usersOfProcess(pid)
  return users.length > 0 && users.every((uid) => uid === 0)
}

/**
 * The server among them that serves a brick below `mountPath` of that device. Hosts in containers share one process table
 * with paths alike, so that the process must see that very device mounted there.
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
 * A mkfs of the brick with that uuid runs, and began less than `maxMs` ago: the agent that began it may have been
 * restarted since, which mkfs does not notice. One that takes longer hangs.
 */
export async function isBeingFormatted(uuid: string, maxMs: number, running: readonly Command[]): Promise<boolean> {
  for (const { pid, program, words } of running) {
    if (program !== 'mkfs.xfs' || !words.includes(`uuid=${uuid}`)) continue
    // One whose age cannot be read has ended meanwhile.
    if ((await ageMs(pid).catch(() => Infinity)) < maxMs) return true
  }
  return false
}

/** Source: proc(5). The start in /proc/PID/stat, after a name that may hold blanks, counts hundredths of a second since boot. */
async function ageMs(pid: number): Promise<number> {
  const [uptime] = (await readFile('/proc/uptime', 'utf8')).split(' ')
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  return Number(uptime) * 1000 - Number(start) * 10
}

/** When a process began, in clock ticks since boot; undefined when it has ended. Source: proc(5). */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  const state = stat[stat.lastIndexOf(')') + 2]
  // It has ended, and waits for its parent to hear of it.
  return state === 'Z' || state === 'X' ? undefined : startOf(stat)
}

/**
 * SIGTERM, and SIGKILL after half the time; never to another process that got its pid. Resolves when it is gone, at once
 * when it was; throws Error when it is not after `timeoutMs`.
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
  if (!(await isGone())) throw new Error(`process ${pid} does not end: it hangs in the kernel`)
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}
