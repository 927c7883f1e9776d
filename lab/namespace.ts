import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import { once } from 'node:events'
import { until } from './until.js'
import { must } from './run.js'

const checkout = resolve(import.meta.dirname, '..')

/** The pid 1 of a lab host, as the machine numbers it. */
export interface Init {
  pid: number
}

/** Starts a host's namespaces with `init.sh` as their pid 1. They go on when this process ends. */
export async function powerOn(name: string, dir: string): Promise<Init> {
  mkdirSync(join(dir, 'root'), { recursive: true })
  rmSync(join(dir, 'init'), { force: true })
  const flags = ['--mount', '--uts', '--ipc', '--net', '--pid', '--fork']
  const argv = ['sh', join(import.meta.dirname, 'init.sh'), name, dir, checkout, ...foreignRuntime()]
  const child = spawn('unshare', [...flags, ...argv], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = once(child, 'close').then(() => 'ended')
  const up = until({ what: `${name} is up` }, () => Promise.resolve(said.includes('up\n')))
  await Promise.race([up, ended])
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
  const init = initOf(dir)
  if (!init || !said.includes('up\n')) throw new Error(`the lab's host ${name} does not start: ${said.trim()}`)
  return init
}

/** The living pid 1 of a host; undefined when it is off. A pid that belongs to another process by now is not taken for it. */
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

/** Puts a command into a host. */
export function inside(init: Init, argv: readonly string[]): string[] {
  const enter = ['nsenter', '--target', String(init.pid), '--mount', '--uts', '--ipc', '--net', '--pid']
  return [...enter, '--', ...argv]
}

/** Puts a command into a host's network only. */
export function insideNet(pid: number, argv: readonly string[]): string[] {
  return ['nsenter', '--target', String(pid), '--net', '--', ...argv]
}

/** The file system root of a host, seen from the machine. */
export const rootOf = (init: Init) => `/proc/${init.pid}/root`

export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state === 'Z' || state === 'X' ? undefined : fields[18]
  } catch {
    return undefined
  }
}

/** A node that is not below /usr must be shown to the hosts too. */
function foreignRuntime(): string[] {
  const folder = dirname(dirname(process.execPath))
  return folder === '/usr' || folder.startsWith(`/usr${sep}`) ? [] : [folder]
}

export const ip = (pid: number, ...args: string[]) => must(insideNet(pid, ['ip', ...args]))
