import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { anotherAgent, cannotLock } from './messages.js'

/** Root's alone: nobody else can take the lock and keep the agent from its work. systemd gives it to the agent. */
const usualDirectory = '/run/burstbuffer-agent'
const conflict = 1

/**
 * Two agents of one host would plan from the same facts and do things twice. Takes a lock that the kernel releases when this
 * process ends, however it ends: a program takes it for us on a file that we hold open, as Node cannot. Throws Error
 * while another agent of that host has it.
 */
export async function requireOnlyAgent(host: string, directory = usualDirectory): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // Never closed. Programs that the agent starts do not inherit it.
  const file = openSync(join(directory, `${host}.lock`), 'a', 0o600)
  const child = spawn('flock', ['--exclusive', '--nonblock', '3'], { stdio: ['ignore', 'ignore', 'ignore', file] })
  const [code] = (await once(child, 'exit').catch((error: unknown) => {
    throw new Error(cannotLock(String(error)), { cause: error })
  })) as [number | null]
  if (code === conflict) throw new Error(anotherAgent(host))
  if (code !== 0) throw new Error(cannotLock(`flock exited ${code}`))
}
