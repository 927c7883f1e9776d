import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { anotherAgent, cannotLock } from './messages.js'

/** Root's alone: nobody else can take the lock and keep the agent from its work. systemd gives it to the agent. */
const usualDirectory = '/run/burstbuffer-agent'
/** flock itself fails with 1 and with what sysexits.h names, up to 78. */
const conflict = 99

/**
 * Two agents of one host would plan from the same facts and do things twice. Takes a lock that the kernel releases when this
 * process ends, however it ends: a program takes it for us on a file that we hold open, as Node cannot. Throws Error
 * while another agent of that host has it.
 */
export async function requireOnlyAgent(host: string, directory = usualDirectory): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // Never closed. Programs that the agent starts do not inherit it.
  const path = join(directory, `${host}.lock`)
  const file = openSync(path, 'a', 0o600)
  const words = ['--exclusive', '--nonblock', '--conflict-exit-code', String(conflict), '3']
  const child = spawn('flock', words, { stdio: ['ignore', 'ignore', 'ignore', file] })
  const [code] = (await once(child, 'exit').catch((error: unknown) => {
    throw new Error(cannotLock(String(error)), { cause: error })
  })) as [number | null]
  if (code === conflict) throw new Error(anotherAgent(host, await holdersOf(path)))
  if (code !== 0) throw new Error(cannotLock(`flock exited ${code}`))
}

/** A process that has the file open, as far as this one sees processes. */
export interface Holder {
  pid: number
  /** It waits in the kernel, for a disk for example, and no signal ends it. */
  isStuck: boolean
}

/** Not from /proc/locks, which names the program that took the lock for it and has ended. */
async function holdersOf(path: string): Promise<Holder[]> {
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(pids.map(async (pid) => ((await hasOpen(pid, path)) ? [await holderOf(pid)] : [])))
  return found.flat()
}

async function hasOpen(pid: string, path: string): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
  return links.includes(path)
}

/** Source: proc(5), stat; the name of the program, in brackets, may contain anything. */
async function holderOf(pid: string): Promise<Holder> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return { pid: Number(pid), isStuck: stat.slice(stat.lastIndexOf(')')).startsWith(') D') }
}
