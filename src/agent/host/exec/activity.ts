import { readdir, readFile } from 'node:fs/promises'

/** What a process does. */
export interface Activity {
  /** For so long its threads have run, or waited for a processor, since they began. */
  busyMs: number
  /** One of them waits for a disk or for memory that is paged in, or is stopped by a debugger. */
  isBlocked: boolean
}

/**
 * Undefined for a process that has ended, and where the kernel does not count: schedstat is missing there, or says 0 of every thread.
 * Source: proc(5); schedstat has nanoseconds run and waited, and how often.
 */
export async function activityOf(pid: number): Promise<Activity | undefined> {
  try {
    const threads = (await readdir(`/proc/${pid}/task`)).map((thread) => `/proc/${pid}/task/${thread}`)
    const each = await Promise.all(
      threads.map(async (path) => ({
        ns: nanosecondsIn(await readFile(`${path}/schedstat`, 'utf8')),
        state: stateIn(await readFile(`${path}/stat`, 'utf8')),
      })),
    )
    const busyMs = each.reduce((sum, { ns }) => sum + ns, 0) / 1e6
    return busyMs === 0 ? undefined : { busyMs, isBlocked: each.some(({ state }) => 'Dt'.includes(state)) }
  } catch {
    // One of its threads has ended meanwhile, and with it perhaps the process.
    return undefined
  }
}

function nanosecondsIn(schedstat: string): number {
  const [ran, waited] = schedstat.split(' ').map(Number)
  return ran! + waited!
}

/** Behind a name that may contain blanks. */
function stateIn(stat: string): string {
  return stat[stat.lastIndexOf(')') + 2]!
}
