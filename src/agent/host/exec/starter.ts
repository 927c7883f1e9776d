import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'
import { builtProgram } from './builtProgram.js'
import { cannotStart, starterEnded, starterHangs } from './messages.js'
import { signalGroup } from './processGroup.js'
import {
  message,
  Messages,
  type Output,
  type ProgramStart,
  startMessage,
  takenMessage,
  type Told,
  windowBytes,
} from './starterMessages.js'

/*
 * Programs are started by a small process of their own (starter.c): a process of 90 MB that starts one itself is stopped for six
 * milliseconds, because its memory is mapped anew for the child.
 *
 *   this process ends    the starter reads the end of its input and ends too. What runs goes on, without anybody at its output
 *   the starter ends     what it has started is killed, and fails, as after a timeout: nobody would hear of its end. The
 *                        next program gets another starter
 *   the starter hangs    it has not answered for a minute, or not as it should: it is killed, and that is the same
 */
const answerMs = 60_000
/** Input goes to the starter in messages of that size. */
const pieceBytes = 1024 * 1024

/** What is heard of a program. Nothing after `onEnd` or `onFail`. */
export interface Listener {
  /** It runs. */
  onStart?(pid: number): void
  /** It gets no more than a window ahead of what `taken` was called for. */
  onOutput(output: Output, bytes: Buffer): void
  /** `code` is null when a signal has ended it. */
  onEnd(code: number | null, signal: string | null): void
  /** It could not be started, with the code of the system (ENOENT) in `code`, or its end would not be heard of. */
  onFail(error: Error): void
}

/** Starts a program in a session of its own, with `input` at its standard input. Throws Error for an argument with a zero byte. */
export function startProgram(start: Omit<ProgramStart, 'hasInput'>, listener: Listener, input?: Buffer): Program {
  if (!starter || starter.hasEnded) starter = new Starter()
  return starter.start({ ...start, hasInput: input !== undefined }, listener, input)
}

/** Of this process; another one when that has ended. */
let starter: Starter | undefined

class Starter {
  hasEnded = false
  private readonly child: ChildProcess
  private readonly input: Socket
  private readonly output: Socket
  private readonly programs = new Map<number, Program>()
  private lastId = 0

  constructor() {
    this.child = spawn(builtProgram('starter'), [], { detached: true, stdio: ['pipe', 'pipe', 'inherit'], env: {} })
    this.child.on('error', (error) => this.end(error))
    const { stdin, stdout } = this.child as { stdin?: unknown; stdout?: unknown } as { stdin?: Socket; stdout?: Socket }
    // Node has neither when this process has too many open files.
    if (!stdin || !stdout) throw new Error(cannotStart('starter', 'EMFILE'))
    ;[this.input, this.output] = [stdin, stdout]
    const messages = new Messages((id, told) => this.programs.get(id)?.hear(told))
    stdin.on('error', () => {})
    stdout.on('error', () => {})
    stdout.on('data', (piece: Buffer) => messages.push(piece))
    stdout.on('close', () => this.end(new Error(starterEnded())))
    // It keeps this process only while a program runs.
    for (const each of [this.child, stdin, stdout]) each.unref()
  }

  start(start: ProgramStart, listener: Listener, input: Buffer | undefined): Program {
    const id = ++this.lastId
    const first = startMessage(id, start)
    const program = new Program(id, start.argv[0], listener, {
      tell: (...messages) => this.tell(messages),
      onDone: () => this.forget(id),
      onNonsense: () => this.giveUp(),
    })
    this.programs.set(id, program)
    this.output.ref()
    this.tell([first, ...(input === undefined ? [] : [...inputMessages(id, input)])])
    return program
  }

  private tell(messages: readonly Buffer[]): void {
    this.input.cork()
    for (const each of messages) this.input.write(each)
    this.input.uncork()
  }

  private forget(id: number): void {
    this.programs.delete(id)
    if (this.programs.size === 0) this.output.unref()
  }

  private giveUp(): void {
    this.child.kill('SIGKILL')
    this.end(new Error(starterHangs()))
  }

  private end(error: Error): void {
    if (this.hasEnded) return
    this.hasEnded = true
    for (const stream of [this.child.stdin, this.child.stdout]) stream?.destroy()
    for (const program of [...this.programs.values()]) program.fail(error)
  }
}

interface Ways {
  tell(...messages: readonly Buffer[]): void
  onDone(): void
  /** The starter does not answer, or not as it should. */
  onNonsense(): void
}

/** A program that the starter was told to start. */
export class Program {
  private pid: number | undefined
  private isDone = false
  /** Bytes that were taken, and of which the starter has not been told yet. */
  private readonly takenBytes = { stdout: 0, stderr: 0 }
  private readonly answer: NodeJS.Timeout

  constructor(
    private readonly id: number,
    private readonly name: string,
    private readonly listener: Listener,
    private readonly ways: Ways,
  ) {
    this.answer = setTimeout(() => ways.onNonsense(), answerMs)
  }

  /** Signals it and all that it started. */
  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.isDone) this.ways.tell(message(this.id, 'k', Buffer.of(constants.signals[name])))
  }

  /** As many bytes of that output were processed, and others may come. */
  taken(output: Output, bytes: number): void {
    this.takenBytes[output] += bytes
    // A message for each piece would cost more than it saves.
    if (this.isDone || this.takenBytes[output] < windowBytes / 2) return
    this.ways.tell(takenMessage(this.id, output, this.takenBytes[output]))
    this.takenBytes[output] = 0
  }

  /** Nothing more is heard of it, and nobody reads what it writes. It may run on. May be repeated. */
  forget(): void {
    if (this.isDone) return
    this.ways.tell(message(this.id, 'f'))
    this.done()
  }

  /** What the starter has said of it. */
  hear(told: Told): void {
    switch (told.kind) {
      case 'runs':
        clearTimeout(this.answer)
        this.pid = told.pid
        return this.listener.onStart?.(told.pid)
      case 'output':
        return this.listener.onOutput(told.output, told.bytes)
      case 'unknown':
        return this.ways.onNonsense()
      case 'notStarted':
        this.done()
        return this.listener.onFail(startError(this.name, told.errno))
      case 'ended':
        this.done()
        if (told.signal === 0) return this.listener.onEnd(told.code, null)
        return this.listener.onEnd(null, signalName(told.signal))
    }
  }

  /** The starter has ended. */
  fail(error: Error): void {
    signalGroup(this.pid, 'SIGKILL')
    this.done()
    this.listener.onFail(error)
  }

  private done(): void {
    this.isDone = true
    clearTimeout(this.answer)
    this.ways.onDone()
  }
}

function* inputMessages(id: number, input: Buffer): Generator<Buffer> {
  for (let at = 0; at < input.length; at += pieceBytes) yield message(id, 'i', input.subarray(at, at + pieceBytes))
  yield message(id, 'e')
}

function startError(program: string, errno: number): Error {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(cannotStart(program, code)), { code, errno: -errno })
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? String(number)
}
