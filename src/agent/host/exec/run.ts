import { commandFailed, exitCode, killedBy, notStarted, timedOut } from './messages.js'
import { startProgram } from './starter.js'
import type { Output } from './starterMessages.js'

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
export const maxOutputBytes = 8 * 1024 * 1024

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
 * exit code; throws CommandError when the program cannot start, is killed, or has not ended after `timeoutMs`. A daemon that
 * the command leaves behind may keep its output open, so the exit counts, and everything written before it.
 */
export const runCommand: Run = (argv, options) =>
  new Promise((resolve, reject) => {
    const pieces: Record<Output, Buffer[]> = { stdout: [], stderr: [] }
    const output = () => ({ stdout: textOf(pieces.stdout), stderr: textOf(pieces.stderr) })
    const fail = (signal: string | null, timedOut = false) =>
      reject(new CommandError(argv, { code: null, signal, ...output(), timedOut }))
    const env = { ...process.env, LC_ALL: 'C', ...options.env }
    const program = startProgram(
      { argv, env, limitBytes: maxOutputBytes, untilClosed: false },
      {
        onOutput: (name, bytes) => {
          pieces[name].push(bytes)
          program.taken(name, bytes.length)
        },
        onEnd: (code, signal) => {
          clearTimeout(timer)
          if (code === null) fail(signal)
          else resolve({ code, ...output() })
        },
        onFail: (cause) => {
          clearTimeout(timer)
          const { message: stderr } = cause
          reject(new CommandError(argv, { code: null, signal: null, stderr, timedOut: false }, { cause }))
        },
      },
      options.stdin === undefined ? undefined : Buffer.from(options.stdin),
    )
    const timer = setTimeout(() => {
      program.signal('SIGKILL')
      // A process in uninterruptible sleep survives SIGKILL: the caller continues without it.
      program.forget()
      fail('SIGKILL', true)
    }, options.timeoutMs)
  })

function textOf(pieces: readonly Buffer[]): string {
  return Buffer.concat(pieces).toString()
}

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
