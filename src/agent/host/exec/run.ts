import { spawn } from 'node:child_process'
import { commandFailed, exitCode, killedBy, notStarted, timedOut } from './messages.js'
import { signalGroup } from './processGroup.js'

export interface RunOptions {
  /** The whole process group is killed after this time. */
  timeoutMs: number
  stdin?: string
  env?: Record<string, string>
}

export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

/**
 * Runs a program with an argument list, never through a shell. Throws CommandError when it cannot start, hangs or is
 * killed.
 */
export type Run = (argv: readonly [string, ...string[]], options: RunOptions) => Promise<RunResult>

/** Limit for stdout and for stderr; later output is dropped. */
export const maxOutputChars = 8 * 1024 * 1024

/** A command that failed: its message puts the most telling cause first. */
export class CommandError extends Error {
  override name = 'CommandError'
  constructor(
    readonly argv: readonly string[],
    readonly result: { code: number | null; signal: string | null; stderr: string; stdout?: string; timedOut: boolean },
    options?: ErrorOptions,
  ) {
    super(commandMessage(argv, result), options)
  }
}

function commandMessage(argv: readonly string[], result: CommandError['result']): string {
  const words = (result.stderr.trim() || result.stdout?.trim() || '').split('\n').slice(-3).join('; ').slice(0, 500)
  const how = result.timedOut
    ? timedOut()
    : result.signal
      ? killedBy(result.signal)
      : result.code === null
        ? notStarted()
        : exitCode(result.code)
  return commandFailed(words, argv, how)
}

/**
 * The real `Run`. Its environment is this process's with `LC_ALL=C`; output above 8 MiB is dropped. Resolves with any
 * exit code; throws CommandError when the program cannot start, is killed, or has not ended after `timeoutMs`.
 */
export const runCommand: Run = (argv, options) =>
  new Promise((resolve, reject) => {
    const [program, ...args] = argv
    const child = spawn(program, args, {
      detached: true,
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', ...options.env },
    })
    const output = { stdout: '', stderr: '' }
    let received = 0
    let exited: { code: number | null; signal: string | null } | undefined
    let isTimedOut = false
    const timer = setTimeout(() => {
      // The command has ended, but a process that it left behind keeps writing.
      if (exited) return finish(exited.code, exited.signal)
      isTimedOut = true
      signalGroup(child.pid, 'SIGKILL')
      // A process in uninterruptible sleep survives SIGKILL: the caller continues without it.
      finish(null, 'SIGKILL')
    }, options.timeoutMs)
    let settled = false
    const finish = (code: number | null, signal: string | null) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      child.stdout?.destroy()
      child.stderr?.destroy()
      child.unref()
      if (code !== null && !isTimedOut) resolve({ code, ...output })
      else reject(new CommandError(argv, { code, signal, ...output, timedOut: isTimedOut }))
    }
    const collect = (name: 'stdout' | 'stderr') => {
      // The stream decodes, so that a character that came in two pieces stays whole.
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        received++
        if (output[name].length < maxOutputChars) output[name] += text
      })
    }
    collect('stdout')
    collect('stderr')
    child.on('error', (cause) => {
      clearTimeout(timer)
      if (!settled)
        reject(new CommandError(argv, { code: null, signal: null, stderr: cause.message, timedOut: false }, { cause }))
      settled = true
    })
    // A daemon that the command leaves behind may keep the output open, so the exit counts, and everything written
    // before it. That is in the pipes: when one turn of the event loop reads nothing, all of it has been read.
    const drain = (before: number) => {
      if (!settled) setImmediate(() => (received > before ? drain(received) : finish(exited!.code, exited!.signal)))
    }
    child.on('exit', (code, signal) => {
      exited = { code, signal }
      setImmediate(() => drain(received))
    })
    child.on('close', (code, signal) => finish(code, signal))
    if (options.stdin !== undefined) {
      child.stdin?.on('error', () => {})
      child.stdin?.end(options.stdin)
    }
  })

/** Runs the command and throws CommandError unless it exits with one of `codes`. */
export async function runOk(
  run: Run,
  argv: readonly [string, ...string[]],
  options: RunOptions,
  codes: readonly number[] = [0],
): Promise<RunResult> {
  const result = await run(argv, options)
  if (codes.includes(result.code)) return result
  throw new CommandError(argv, { ...result, signal: null, timedOut: false })
}
