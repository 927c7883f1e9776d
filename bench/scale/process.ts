import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

const ticksPerSecond = 100
const started = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** A program of the rig in a process of its own, and what the kernel says of it. */
export class MeasuredProcess {
  private readonly child: ChildProcess
  private readonly ended: Promise<unknown>
  private readonly answers = new Map<number, (answer: object) => void>()
  private asked = 0

  constructor(
    readonly name: string,
    command: string,
    words: readonly string[],
    options: SpawnOptions = {},
  ) {
    this.child = spawn(command, words, { stdio: ['ignore', 'inherit', 'inherit'], ...options })
    this.ended = once(this.child, 'exit')
    this.child.on('message', (message: { answers: number }) => {
      this.answers.get(message.answers)?.(message)
      this.answers.delete(message.answers)
    })
    started.add(this.child)
    void this.ended.then(() => started.delete(this.child))
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** User and system time of all its threads, and of the programs that it ran and waited for; 0 when it has ended. */
  get cpuMs(): number {
    const stat = this.read('stat')
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
    return stat === '' ? 0 : (fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) * 1000) / ticksPerSecond
  }

  get memory(): { residentMb: number; maxResidentMb: number } {
    const status = this.read('status')
    const megabytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
    return { residentMb: megabytes('VmRSS'), maxResidentMb: megabytes('VmHWM') }
  }

  /** Asks a program that answers messages. */
  ask<T extends object>(message: object): Promise<T> {
    if (!this.isRunning) return Promise.reject(new Error(`${this.name} has ended`))
    const number = ++this.asked
    return new Promise<T>((resolve, reject) => {
      this.answers.set(number, (answer) => resolve(answer as T))
      void this.ended.then(() => reject(new Error(`${this.name} ended`)))
      this.child.send({ ...message, number })
    })
  }

  /** The longest pause of its event loop since the last call. */
  async pauseMs(): Promise<number> {
    return (await this.ask<{ pauseMs: number }>({ ask: 'usage' })).pauseMs
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return
    this.child.kill(signal)
    await this.ended
  }

  private read(file: string): string {
    try {
      return readFileSync(`/proc/${this.child.pid}/${file}`, 'utf8')
    } catch {
      return ''
    }
  }
}
