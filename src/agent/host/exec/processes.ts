import { readFile } from 'node:fs/promises'
import { mountTable } from './mounts.js'
import { processesNamed, programOf, usersOfProcess, wordsOf } from './proc.js'

export interface Command {
  pid: number
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

/**
 * What every process of these programs was started with: read once for all that is looked for together. Only root serves
 * bricks and formats disks: a program of anybody else's holds nothing up, whatever its name and words are.
 */
export async function commands(server: BrickServer): Promise<Command[]> {
  const programs = [server.program, 'mkfs.xfs']
  const found = []
  for (const pid of processesNamed(programs)) {
    const program = await programOf(pid)
    if (program === undefined || !programs.includes(program) || !(await isRoots(pid))) continue
    found.push({ pid: Number(pid), program, words: await wordsOf(pid, 'cmdline') })
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
): Promise<{ pid: number } | undefined> {
  for (const { pid, program, words } of running) {
    if (program !== server.program || !server.brickOf(words)?.startsWith(`${mountPath}/`)) continue
    const table = await mountTable(String(pid)).catch(() => [])
    if (table.some((entry) => entry.path === mountPath && entry.device === numbers)) return { pid }
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

/**
 * SIGTERM, and SIGKILL after half the time. Resolves when it is gone, at once when it was; throws Error when it is not
 * after `timeoutMs`.
 */
export async function endProcess(pid: number, timeoutMs: number): Promise<void> {
  const gone = () => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  }
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (gone()) return
    process.kill(pid, signal)
    const end = performance.now() + timeoutMs / 2
    while (performance.now() < end) {
      if (gone()) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  if (!gone()) throw new Error(`process ${pid} does not end: it hangs in the kernel`)
}
