import { execFile } from 'node:child_process'
import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import * as messages from './messages.js'

/** The name service did not answer. Whether the user or group exists is not known: try again. */
export class NameServiceUnavailable extends Error {
  override name = 'NameServiceUnavailable'
}

/** Below the four seconds that Slurm gives `job_process`. It includes the time in the queue. */
const timeoutMs = 3_000
const maxPrograms = 4
const maxOutputBytes = 16 * 1024 * 1024

/**
 * The head node's name service (files, LDAP, SSSD), asked by programs, because a look-up in a library may block the process.
 *
 * INVARIANTS: at most four programs at once, also when they hang in the kernel; every question is answered or fails within
 * `timeoutMs`.
 */
export class NameService {
  private programs = 0
  private readonly waiting = new Set<() => void>()
  private lastProblem: string | undefined

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Why the last question got no answer; undefined when it got one. */
  get problem(): string | undefined {
    return this.lastProblem
  }

  /** What the program prints; undefined when it exits with `absentCode`. Throws NameServiceUnavailable. */
  ask(program: string, args: string[], absentCode?: number): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      let kill = () => {}
      const fail = (why: string) => reject(this.unavailable(`${program} ${args.join(' ')}: ${why}`))
      const start = () => {
        this.waiting.delete(start)
        this.programs++
        const child = execFile(program, args, { maxBuffer: maxOutputBytes }, (error, stdout, stderr) => {
          cancel()
          this.ended()
          if (error && error.code !== absentCode) return fail(stderr.trim() || `exit code ${String(error.code)}`)
          this.answered()
          resolve(error ? undefined : stdout)
        })
        kill = () => void child.kill('SIGKILL')
      }
      const cancel = this.clock.after(timeoutMs, () => {
        this.waiting.delete(start)
        kill()
        fail(`timed out after ${timeoutMs / 1000} s`)
      })
      if (this.programs < maxPrograms) start()
      else this.waiting.add(start)
    })
  }

  private ended(): void {
    this.programs--
    for (const start of this.waiting) {
      start()
      return
    }
  }

  private answered(): void {
    if (this.lastProblem !== undefined) this.log.info('the name service answers again')
    this.lastProblem = undefined
  }

  private unavailable(problem: string): NameServiceUnavailable {
    if (this.lastProblem === undefined) this.log.warn('the name service does not answer', { problem })
    this.lastProblem = problem
    return new NameServiceUnavailable(messages.nameServiceUnavailable(problem))
  }
}
