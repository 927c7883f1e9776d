import { setTimeout as pause } from 'node:timers/promises'
import { cannotBeKilled } from './messages.js'
import { processIds, usersOfProcess, wordsOf } from './proc.js'

/**
 * Pids of root's or that user's processes with that tag (`NAME=value`) in their environment, which their children
 * inherit. Processes of other users may set it themselves, and are ignored.
 */
export async function taggedProcesses(tag: string, uid = 0): Promise<number[]> {
  const found = await Promise.all(
    (await processIds()).map(async (pid) => {
      if (!(await wordsOf(pid, 'environ')).includes(tag)) return []
      const users = await usersOfProcess(pid)
      return users.length > 0 && users.every((user) => user === 0 || user === uid) ? [Number(pid)] : []
    }),
  )
  return found.flat()
}

/** Sends SIGKILL to every process of root's with that tag, without waiting for its end. May be repeated. */
export async function killTagged(tag: string): Promise<void> {
  for (const pid of await taggedProcesses(tag)) signal(pid, 'SIGKILL')
}

const graceMs = 3_000
const stuckMs = 10_000

/**
 * Sends SIGTERM, and SIGKILL after three seconds, so that rsync can remove its incomplete files. Resolves when no
 * process is left; throws Error when one has not ended after ten seconds. May be repeated.
 */
export async function endTagged(tag: string, uid: number): Promise<void> {
  const start = performance.now()
  for (;;) {
    const left = await taggedProcesses(tag, uid)
    if (left.length === 0) return
    const waited = performance.now() - start
    if (waited > stuckMs) throw new Error(cannotBeKilled(left))
    for (const pid of left) signal(pid, waited > graceMs ? 'SIGKILL' : 'SIGTERM')
    await pause(100)
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended meanwhile.
  }
}
