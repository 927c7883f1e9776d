import { writeSync } from 'node:fs'
import type { Log } from './log.js'

/** For a log that is written to a file, which is not done at once. */
const flushMs = 100

/**
 * An error that nobody caught, or a rejected promise that nobody waited for, ends the program with exit code 1, and systemd starts
 * it anew: what it had in memory may be wrong, and both daemons go on from etcd and the disks wherever they were.
 */
export function exitOnUncaught(log: Log): void {
  process.once('uncaughtException', (error: unknown, origin) => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    log.error('uncaught error: the program ends and is to be started again', { origin, reason })
    writeSync(2, `${origin}: ${reason}\n`)
    setTimeout(() => process.exit(1), flushMs)
  })
}
