import { LineSplitter } from './lines.js'
import { cancelled, stalled } from './messages.js'
import { CommandError, maxOutputBytes } from './run.js'
import { StallWatch } from './stallWatch.js'
import { type Program, startProgram } from './starter.js'

/*
 * Programs that may run for hours. They have no deadline, but are ended after a long time without output and without
 * I/O (a program that compares a file of a terabyte prints nothing for an hour). `run.ts` is for commands with a
 * deadline.
 */
export interface StreamOptions {
  /** The whole environment. */
  env: Record<string, string>
  /** Ends the program. */
  signal?: AbortSignal
  /** The program is ended after so long without output or I/O, give or take a quarter. */
  stallMs: number
  /** Called after `quietMs` (default: a minute) without output or I/O: the program waits for something. */
  onQuiet?: () => void
  quietMs?: number
  stdin?: Buffer
  /** The program waits until the result resolves. */
  onOutput?: (chunk: Buffer) => void | Promise<void>
  /** Each line of stderr. */
  onComplaint?: (line: string) => void
}

export interface StreamResult {
  code: number
  /** Empty when `onOutput` takes it. */
  stdout: Buffer
  /** Its last three lines. */
  stderr: string
}

/** From SIGTERM to SIGKILL. */
const graceMs = 5_000
/** A program that does not end after that hangs in the kernel: the caller continues without it. */
const stuckMs = 10_000
const aMinuteMs = 60_000

/**
 * Runs a program to its end, whatever its exit code. Throws CommandError when it cannot start, stalls, is ended or
 * killed.
 */
export function runStream(argv: readonly [string, ...string[]], options: StreamOptions): Promise<StreamResult> {
  return new Promise((resolve, reject) => new Stream(argv, options, resolve, reject))
}

/*
 *   running   the program has not ended
 *   ending    it was signalled, because it stalled, its output could not be processed, or the caller cancelled it
 *   ended     it has ended, or hangs and is left alone: the caller has the result
 */
type State = 'running' | 'ending' | 'ended'

class Stream {
  private state: State = 'running'
  /** Why it was signalled. */
  private reason: string | undefined
  private readonly program: Program
  private pid: number | undefined
  private readonly stall: StallWatch
  private readonly complaints = new LineSplitter((line) => this.complain(line))
  private lastComplaints: string[] = []
  private readonly output: Buffer[] = []
  private outputBytes = 0
  /** Resolves when `onOutput` has taken all output so far. */
  private taken = Promise.resolve()
  /** The first error of `onOutput`. */
  private outputError: Error | undefined
  private readonly timers: NodeJS.Timeout[] = []
  private readonly onAbort = () => this.end(cancelled())

  constructor(
    private readonly argv: readonly [string, ...string[]],
    private readonly options: StreamOptions,
    private readonly resolve: (result: StreamResult) => void,
    private readonly reject: (error: Error) => void,
  ) {
    const { env, signal, stallMs, quietMs = aMinuteMs, stdin = Buffer.alloc(0) } = options
    this.program = startProgram(
      { argv, env, limitBytes: 0, untilClosed: true },
      {
        onStart: (pid) => (this.pid = pid),
        onOutput: (output, bytes) => (output === 'stdout' ? this.hear(bytes) : this.hearComplaints(bytes)),
        onEnd: (code, signal) => void this.taken.then(() => this.finish(code, signal, this.outputError)),
        onFail: (error) => this.finish(null, null, error),
      },
      stdin,
    )
    this.stall = new StallWatch(
      () => this.pid,
      { stallMs, quietMs },
      () => options.onQuiet?.(),
      () => this.end(stalled(Math.round(stallMs / 1000))),
    )
    if (signal?.aborted) this.onAbort()
    else signal?.addEventListener('abort', this.onAbort)
  }

  private hear(bytes: Buffer): void {
    this.stall.noteMove()
    if (this.options.onOutput) {
      this.taken = this.taken.then(() => this.take(bytes))
      return
    }
    if (this.outputBytes < maxOutputBytes) this.output.push(bytes)
    this.outputBytes += bytes.length
    this.program.taken('stdout', bytes.length)
  }

  private hearComplaints(bytes: Buffer): void {
    this.stall.noteMove()
    this.complaints.push(bytes)
    this.program.taken('stderr', bytes.length)
  }

  private async take(bytes: Buffer): Promise<void> {
    try {
      await this.options.onOutput?.(bytes)
    } catch (error) {
      this.outputError ??= error as Error
      this.end(this.outputError.message)
    }
    this.stall.noteMove()
    this.program.taken('stdout', bytes.length)
  }

  private complain(line: string): void {
    this.lastComplaints = [...this.lastComplaints, line].slice(-3)
    this.options.onComplaint?.(line)
  }

  private end(reason: string): void {
    if (this.state !== 'running') return
    this.state = 'ending'
    this.reason = reason
    this.program.signal('SIGTERM')
    this.timers.push(setTimeout(() => this.program.signal('SIGKILL'), graceMs))
    this.timers.push(setTimeout(() => this.finish(null, 'SIGKILL'), graceMs + stuckMs))
  }

  private finish(code: number | null, signal: string | null, cause?: Error): void {
    if (this.state === 'ended') return
    this.state = 'ended'
    this.letGo()
    const stderr = this.lastComplaints.join('\n')
    if (code !== null && this.reason === undefined)
      return this.resolve({ code, stdout: Buffer.concat(this.output), stderr })
    const words = cause?.message ?? [this.reason, stderr].filter((text) => text).join(': ')
    this.reject(cause ?? new CommandError(this.argv, { code, signal, stderr: words, timedOut: false }))
  }

  private letGo(): void {
    this.stall.stop()
    for (const timer of this.timers) clearTimeout(timer)
    this.options.signal?.removeEventListener('abort', this.onAbort)
    this.complaints.end()
    this.program.forget()
  }
}
