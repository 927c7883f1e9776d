import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

/** Processes with that mark in their environment, whoever started them; the mark goes on to what they start. */
export async function markedProcesses(mark: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // It may have ended meanwhile.
      const variables = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      return variables.split('\0').includes(mark) ? [Number(pid)] : []
    }),
  )
  return marked.flat()
}

const graceMs = 3_000
const stuckMs = 10_000

/** Politely at first, so that a copier takes its half-written files away. Throws when one cannot be ended. */
export async function endMarked(mark: string): Promise<void> {
  const start = performance.now()
  for (;;) {
    const left = await markedProcesses(mark)
    if (left.length === 0) return
    const waited = performance.now() - start
    if (waited > stuckMs)
      throw new Error(`process ${left.join(', ')} of a transfer does not end: it hangs in the kernel`)
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
