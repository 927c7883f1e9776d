import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { Wrong } from './wrong.js'

/** What a system call answered: `error` is a name as ENOENT, or SIGBUS for a mapping that cannot be accessed. */
export type Answer = { value: number; data: Buffer; error?: never } | { error: string }

/** No call of a file system that works takes so long, on a busy machine either. */
const hangMs = 60_000

/** A call that has no answer: its process may never end, and what it has locked stays locked. */
export class Hangs extends Wrong {
  override name = 'Hangs'
}

/** Compiles worker.c into the directory, and says where the program is. */
export function buildWorker(directory: string): string {
  const program = join(directory, 'worker')
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', program, join(import.meta.dirname, 'worker.c')])
  return program
}

/** A process that makes system calls on a mount, one after the other: worker.c says how they are asked. */
export class Worker {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>
  private readonly waiting: { answered: (answer: Answer) => void; failed: (error: Error) => void }[] = []
  private received: Buffer[] = []
  private receivedBytes = 0
  /** Of the answer whose line has arrived and whose data has not. */
  private header: { word: string; length: number } | undefined
  private ended: Error | undefined

  /** `root`: the directory that paths of calls begin at. */
  constructor(
    program: string,
    readonly root: string,
  ) {
    this.child = spawn(program, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
    this.child.stdout.on('data', (chunk: Buffer) => this.receive(chunk))
    this.child.stdin.on('error', () => {})
    this.child.on('error', (error) => this.fail(error))
    this.child.on('close', (code, signal) => this.fail(new Error(`the worker has ended: ${code ?? signal}`)))
  }

  /** Rejects when the process is gone, and with Hangs when the call has no answer in time. */
  call(name: string, words: readonly (string | number)[] = [], data?: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(this.ended)
      const hangs = () => reject(new Hangs(`${name} ${words.join(' ')}: no answer within ${hangMs / 1000} s`))
      const timer = setTimeout(hangs, hangMs)
      const answered = (answer: Answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
      const failed = (error: Error) => {
        clearTimeout(timer)
        reject(error)
      }
      this.waiting.push({ answered, failed })
      const length = data === undefined ? [] : [data.length]
      this.child.stdin.write(`${[name, ...words, ...length].join(' ')}\n`)
      if (data !== undefined && data.length > 0) this.child.stdin.write(data)
    })
  }

  /** The process ends, and with it whatever it has open. A call that hangs is not waited for. */
  end(): void {
    this.child.stdin.destroy()
    this.child.kill('SIGKILL')
  }

  private receive(chunk: Buffer): void {
    this.received.push(chunk)
    this.receivedBytes += chunk.length
    let isAnswered: boolean
    do isAnswered = this.answerNext()
    while (isAnswered)
  }

  private answerNext(): boolean {
    this.header ??= this.takeHeader()
    if (this.header === undefined || this.receivedBytes < this.header.length) return false
    const { word, length } = this.header
    const data = this.take(length)
    this.header = undefined
    const value = Number(word)
    this.waiting.shift()?.answered(Number.isNaN(value) ? { error: word } : { value, data })
    return true
  }

  private takeHeader(): { word: string; length: number } | undefined {
    const all = this.joined()
    const end = all.indexOf('\n')
    if (end < 0) return undefined
    const [word, length] = this.take(end + 1)
      .toString('latin1')
      .trimEnd()
      .split(' ')
    return { word: word!, length: Number(length) }
  }

  private take(length: number): Buffer {
    const all = this.joined()
    this.received = [all.subarray(length)]
    this.receivedBytes -= length
    return all.subarray(0, length)
  }

  private joined(): Buffer {
    if (this.received.length !== 1) this.received = [Buffer.concat(this.received)]
    return this.received[0]!
  }

  private fail(error: Error): void {
    this.ended ??= error
    for (const { failed } of this.waiting.splice(0)) failed(this.ended)
  }
}
