import { type ChildProcess, spawn } from 'node:child_process'
import { bytesMoved } from './proc.js'
import { CommandError, maxOutputChars } from './run.js'

/*
 * Programs that may run for hours: no deadline, but an end when for long nothing has come from them and they have read and
 * written nothing (one that compares a file of a terabyte is silent for an hour). `run.ts` is for commands that have an end
 * in sight.
 */
export interface StreamOptions {
  /** The whole environment. */
  env: Record<string, string>
  /** Its umask, where it is not to have that of this process. */
  umask?: number
  /** Ends it. */
  signal?: AbortSignal
  /** It is ended when it has said and moved nothing for so long, give or take a quarter. */
  stallMs: number
  /** Called when it has said and moved nothing for `quietMs`, a minute when left out: it waits for something. */
  onQuiet?: () => void
  quietMs?: number
  stdin?: Buffer
  /** It is made to wait while that works. */
  onOutput?: (chunk: Buffer) => void | Promise<void>
  /** Each line of stderr. */
  onComplaint?: (line: string) => void
}

export interface StreamResult {
  code: number
  /** Empty when `onOutput` takes it. */
  stdout: Buffer
  /** Its last words. */
  stderr: string
}

/** From the polite signal to the one that cannot be refused. */
const graceMs = 5_000
/** What does not end after that is stuck in the kernel: the caller goes on, it does not. */
const stuckMs = 10_000
const longestLine = 64 * 1024
/** It is looked at so many times at least before it is taken for stalled. */
const looks = 4
const aMinuteMs = 60_000

/** Runs it to its end, whatever its exit code. Throws CommandError when it cannot start, stalls, is ended or killed. */
export function runStream(argv: readonly [string, ...string[]], options: StreamOptions): Promise<StreamResult> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = argv
    const child = withUmask(options.umask, () =>
      spawn(program, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'], env: options.env }),
    )
    const output: Buffer[] = []
    let length = 0
    const complaints = linesInto((line) => {
      last = [...last, line].slice(-3)
      options.onComplaint?.(line)
    })
    let last: string[] = []
    let why: string | undefined
    const timers: NodeJS.Timeout[] = []
    const end = (reason: string) => {
      if (why !== undefined) return
      why = reason
      killGroup(child, 'SIGTERM')
      timers.push(setTimeout(() => killGroup(child, 'SIGKILL'), graceMs))
      timers.push(setTimeout(() => finish(null, 'SIGKILL'), graceMs + stuckMs))
    }
    const { quietMs = aMinuteMs } = options
    let lastMoveMs = performance.now()
    let lastLookMs = lastMoveMs
    let moved = 0
    const look = async () => {
      const heard = lastMoveMs > lastLookMs
      lastLookMs = performance.now()
      // What speaks moves: all processes of the machine need not be looked through for that.
      if (heard || child.pid === undefined) return
      const now = await bytesMoved(child.pid)
      if (now !== moved) lastMoveMs = performance.now()
      moved = now
      const quiet = performance.now() - lastMoveMs
      if (settled) return
      if (quiet >= quietMs) options.onQuiet?.()
      if (quiet >= options.stallMs) end(`it said nothing for ${Math.round(options.stallMs / 1000)} s`)
    }
    // A look that fails, as where no file can be opened any more, tells nothing: the next one may.
    const watch = setInterval(() => void look().catch(() => {}), Math.min(options.stallMs, quietMs) / looks)
    const alive = () => (lastMoveMs = performance.now())
    const onAbort = () => end('it was told to end')
    let settled = false
    const finish = (code: number | null, signal: string | null, cause?: Error) => {
      if (settled) return
      settled = true
      clearInterval(watch)
      for (const timer of timers) clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      complaints.end()
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
      child.unref()
      const stderr = last.join('\n')
      if (code !== null && why === undefined) resolve({ code, stdout: Buffer.concat(output), stderr })
      else {
        const words = cause?.message ?? [why, stderr].filter((text) => text).join(': ')
        reject(cause ?? new CommandError(argv, { code, signal, stderr: words, timedOut: false }))
      }
    }
    const take = async (chunk: Buffer) => {
      child.stdout.pause()
      try {
        await options.onOutput?.(chunk)
      } catch (error) {
        failure ??= error as Error
        end(failure.message)
      }
      alive()
      child.stdout.resume()
    }
    let failure: Error | undefined
    let taken = Promise.resolve()
    child.stdout.on('data', (chunk: Buffer) => {
      alive()
      if (options.onOutput) taken = taken.then(() => take(chunk))
      else if (length < maxOutputChars) output.push(chunk)
      length += chunk.length
    })
    child.stderr.on('data', (chunk: Buffer) => {
      alive()
      complaints.push(chunk)
    })
    child.on('error', (error) => finish(null, null, error))
    child.on('close', (code, signal) => void taken.then(() => finish(code, signal, failure)))
    child.stdin.on('error', () => {})
    child.stdin.end(options.stdin ?? '')
    if (options.signal?.aborted) onAbort()
    else options.signal?.addEventListener('abort', onAbort)
  })
}

/** A child has the umask of the moment in which it is made, and `spawn` has made it when it returns. */
function withUmask<T>(umask: number | undefined, make: () => T): T {
  if (umask === undefined) return make()
  const own = process.umask(umask)
  try {
    return make()
  } finally {
    process.umask(own)
  }
}

/** Its whole process group: what it started ends with it. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It has ended meanwhile.
  }
}

function linesInto(onLine: (line: string) => void) {
  let rest = ''
  return {
    push: (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!.slice(0, longestLine)
      for (const line of lines) if (line.trim() !== '') onLine(line)
    },
    end: () => {
      if (rest.trim() !== '') onLine(rest)
      rest = ''
    },
  }
}
