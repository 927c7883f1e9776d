import type Docker from 'dockerode'
import { randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '../../../port/host.js'
import { type Engine, engineError } from './engine.js'
import { killTagged } from '../../exec/taggedProcesses.js'
import { CommandError, maxOutputBytes, type Run, type RunOptions, type RunResult } from '../../exec/run.js'

/*
 * Programs run inside a container by the engine's exec, with the deadlines, exit codes, output and errors of `runCommand`.
 *
 * The engine has no call that ends an exec. Each command carries a mark in its environment, which its children inherit;
 * at the deadline every process with that mark is killed. That needs no engine, which may be what hangs, and hits no
 * process that got the pid of one that has ended.
 */
const markName = 'BURSTBUFFER_COMMAND'
/** By which an engine reports death by a signal, for it has exit codes alone; 128 is added. */
const signals: Record<number, string> = { 6: 'SIGABRT', 9: 'SIGKILL', 11: 'SIGSEGV', 15: 'SIGTERM' }

/**
 * A `Run` inside that container. Throws CommandError as `runCommand` does, and Unavailable when the engine does not
 * take the command.
 */
export function containerRun(engine: Engine, container: string): Run {
  return async (argv, options) => {
    const command: Command = { argv, options, mark: `${markName}=${randomUUID()}`, stdout: [], stderr: [] }
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), options.timeoutMs)
    const deadline = new Promise<'late'>((resolve) => late.signal.addEventListener('abort', () => resolve('late')))
    const work = execute(engine, container, command, late.signal)
    work.catch(() => {})
    try {
      const code = await Promise.race([work, deadline])
      if (code !== 'late') return resultOf(command, container, code)
    } finally {
      clearTimeout(timer)
    }
    await killTagged(command.mark)
    throw new CommandError(argv, { code: null, signal: 'SIGKILL', ...outputOf(command), timedOut: true })
  }
}

interface Command {
  argv: readonly [string, ...string[]]
  options: RunOptions
  mark: string
  stdout: Buffer[]
  stderr: Buffer[]
}

/** The exit code. */
async function execute(engine: Engine, name: string, command: Command, late: AbortSignal): Promise<number> {
  const { argv, options, mark } = command
  try {
    const exec = await engine.docker.getContainer(name).exec({
      Cmd: [...argv],
      Env: ['LC_ALL=C', ...Object.entries(options.env ?? {}).map(([key, value]) => `${key}=${value}`), mark],
      AttachStdin: options.stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal: late,
    })
    const stream = await exec.start({ hijack: true, stdin: options.stdin !== undefined, abortSignal: late })
    late.addEventListener('abort', () => stream.destroy())
    engine.docker.modem.demuxStream(stream, into(command.stdout), into(command.stderr))
    const ended = new Promise<void>((resolve) => {
      for (const event of ['end', 'close', 'error']) stream.once(event, () => resolve())
    })
    if (options.stdin !== undefined) stream.end(options.stdin)
    await ended
    return await exitCode(exec, late)
  } catch (error) {
    throw new Unavailable(
      `container ${name} to take the command ${argv.slice(0, 12).join(' ')}: ${engineError(error, engine)}`,
      { cause: error },
    )
  }
}

/** The output ends a moment before the engine knows the exit code. */
async function exitCode(exec: Docker.Exec, late: AbortSignal): Promise<number> {
  for (;;) {
    const { Running, ExitCode } = await exec.inspect({ abortSignal: late })
    if (!Running && ExitCode !== null) return ExitCode
    await pause(10, undefined, { signal: late })
  }
}

function resultOf(command: Command, container: string, code: number): RunResult {
  const { argv } = command
  const output = outputOf(command)
  // A program that could not be started at all: the runtime says why on what would have been its output.
  const failed = /^OCI runtime exec failed: (?:.*unable to start container process: )?(.*)$/s
    .exec(output.stdout.trimEnd())?.[1]
    ?.replace(/: unknown$/, '')
  if ((code === 126 || code === 127) && failed !== undefined) {
    const missing = /executable file not found|no such file/.test(failed)
    const stderr = missing ? `container ${container} has no program ${argv[0]}: its image lacks it` : failed
    throw new CommandError(argv, { code: null, signal: null, stderr, timedOut: false })
  }
  const signal = signals[code - 128]
  if (signal) throw new CommandError(argv, { code: null, signal, ...output, timedOut: false })
  return { code, ...output }
}

function outputOf({ stdout, stderr }: Command): { stdout: string; stderr: string } {
  return { stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

function into(chunks: Buffer[]): Writable {
  let length = 0
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (length < maxOutputBytes) chunks.push(chunk)
      length += chunk.length
      done()
    },
  })
}
