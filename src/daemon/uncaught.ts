import { writeSync } from 'node:fs'
import type { Log } from './log.js'

/** Time for the log, which is written to a file asynchronously. */
const flushMs = 100

/**
 * An uncaught error or an unhandled rejection ends the program with exit code 1, and systemd restarts it: its memory may be wrong, and
 * both daemons continue from etcd and the disks.
 */
export function exitOnUncaught(log: Log): void {
  process.once('uncaughtException', (error: unknown, origin) => {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    log.error('uncaught error: the program ends, and must be restarted', { origin, reason })
    writeSync(2, `${origin}: ${reason}\n`)
    setTimeout(() => process.exit(1), flushMs)
  })
}
