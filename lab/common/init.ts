import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './until.js'

/** The pid 1 of a lab host, by its pid on the machine. */
export interface Init {
  pid: number
}

/** The running pid 1 of a host; undefined if the host is off, also if the pid belongs to another process now. */
export function initOf(dir: string): Init | undefined {
  const file = join(dir, 'init')
  if (!existsSync(file)) return undefined
  const [pid, startTime] = readFileSync(file, 'utf8').trim().split(' ')
  return startTimeOf(Number(pid)) === startTime ? { pid: Number(pid) } : undefined
}

/** Every process of the host ends with its pid 1, and every mount with the last process. */
export async function powerOff(name: string, dir: string): Promise<void> {
  const init = initOf(dir)
  if (init) {
    process.kill(init.pid, 'SIGKILL')
    await until({ what: `${name} is off` }, () => Promise.resolve(initOf(dir) === undefined))
  }
  rmSync(join(dir, 'init'), { force: true })
}

export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : fields[18]
  } catch {
    return undefined
  }
}
