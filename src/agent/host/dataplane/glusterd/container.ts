import type Docker from 'dockerode'
import { readFile } from 'node:fs/promises'
import { backoffMs } from '../../../../daemon/backoff.js'
import type { Clock } from '../../../../daemon/clock.js'
import type { Log } from '../../../../daemon/log.js'
import { Unavailable } from '../../../port/host.js'
import { containerRun } from './containerRun.js'
import { judge, type Judgement } from './containerState.js'
import { type Engine, engineError, isMissing } from './engine.js'
import type { Run } from '../../exec/run.js'

/*
 * The container that GlusterFS runs in, followed by the engine's events.
 *
 *   away       the engine does not answer: tried again, less and less often
 *   following  its events are read; when the stream is open, and after each event of the container, it is inspected
 *   starting   it was stopped, and will be started: at once, or later and later when it does not stay up
 *
 * INVARIANTS: it is inspected after the events are subscribed to, so that no change falls in between, and never on a timer;
 * one look at a time; a command is run only while the last look found nothing to wait for.
 */
export interface FollowOptions {
  engine: Engine
  container: string
  clock: Clock
  log: Log
  /** From 0 to 1: spreads the tries. Math.random when left out. */
  random?: () => number
}

const firstRetryMs = 500
const maxRetryMs = 30_000
/** An engine that takes longer to tell a container's state hangs. */
const askMs = 10_000
/** One that was up for so long is started at once when it stops. */
const settledMs = 60_000
const events = ['create', 'start', 'die', 'destroy', 'rename', 'pause', 'unpause', 'health_status']

/** One container, from `begin` until it is closed. It is started when it stops. */
export class FollowedContainer {
  /** Runs a program in the container; throws Unavailable, saying what is waited for, while it cannot be. */
  readonly run: Run
  private words: string | undefined
  private changed: () => void = () => {}
  private id: string | undefined
  private isClosed = false
  /** Questions to the engine that are out. A signal for them all would keep the listeners of every one that was ever asked. */
  private readonly asking = new Set<AbortController>()
  private endPause: () => void = () => {}
  private cancelTimer: () => void = () => {}
  private starts = { attempt: 0, lastMs: -Infinity, isPending: false }

  constructor(private readonly options: FollowOptions) {
    const { engine, container } = options
    this.words = awaited(engine, 'it was not asked yet')
    const inside = containerRun(engine, container)
    this.run = async (argv, runOptions) => {
      if (this.words !== undefined) throw new Unavailable(this.words)
      return inside(argv, runOptions)
    }
  }

  /** What commands wait for, in words for an operator; undefined when they can be run. */
  waitingFor(): string | undefined {
    return this.words
  }

  /** Calls back when there is something else to wait for, or nothing any more. */
  onChange(callback: () => void): void {
    this.changed = callback
  }

  /** Resolves after the first look, whatever it found. */
  begin(): Promise<void> {
    return new Promise((resolve) => void this.follow(resolve))
  }

  /** Follows and starts it no more; commands under way come to their end. */
  close(): void {
    this.isClosed = true
    for (const question of this.asking) question.abort()
    this.endPause()
    this.cancelTimer()
  }

  private async follow(onLook: () => void): Promise<void> {
    const { engine, clock, random } = this.options
    for (let attempt = 0; !this.isClosed; attempt++) {
      try {
        await this.readEvents(() => {
          attempt = 0
          onLook()
        })
        this.settle({ waitingFor: awaited(engine, 'it ended its events') })
      } catch (error) {
        this.settle({ waitingFor: awaited(engine, engineError(error, engine)) })
      }
      onLook()
      if (this.isClosed) return
      await new Promise<void>((resolve) => {
        const cancel = clock.after(backoffMs(attempt, firstRetryMs, maxRetryMs, random), resolve)
        this.endPause = () => {
          cancel()
          resolve()
        }
      })
    }
  }

  /** Until they end. The time limit is for the beginning alone: the stream is open for as long as the engine lives. */
  private readEvents(onLook: () => void): Promise<void> {
    const { engine } = this.options
    return this.ask(async (abortSignal, cancelLimit) => {
      const filters = { type: ['container'], event: events }
      const stream = await engine.docker.getEvents({ filters, abortSignal } as Docker.GetEventsOptions)
      cancelLimit()
      await this.look()
      onLook()
      for await (const line of linesOf(stream)) if (this.isOurs(line)) await this.look()
    })
  }

  /** Aborted when the answer is late, and when this is closed. */
  private async ask<T>(question: (signal: AbortSignal, cancelLimit: () => void) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const cancelLimit = this.options.clock.after(askMs, () => controller.abort())
    this.asking.add(controller)
    try {
      return await question(controller.signal, cancelLimit)
    } finally {
      cancelLimit()
      this.asking.delete(controller)
    }
  }

  private isOurs(line: string): boolean {
    const { Actor: actor } = JSON.parse(line) as { Actor: { ID: string; Attributes: Record<string, string> } }
    return actor.ID === this.id || actor.Attributes['name'] === this.options.container
  }

  private async look(): Promise<void> {
    const { engine, container } = this.options
    try {
      const found = await this.ask((abortSignal) => engine.docker.getContainer(container).inspect({ abortSignal }))
      this.id = found.Id
      const judgement = judge(container, found)
      if (judgement.waitingFor === undefined && !(await isVisible(found.State.Pid, found.Id)))
        this.settle({ waitingFor: `the processes of container ${container} to be visible: ${sharePids}` })
      else this.settle(judgement)
    } catch (error) {
      if (!isMissing(error)) throw error
      this.id = undefined
      this.settle(judge(container, undefined))
    }
  }

  private settle({ waitingFor, start }: Judgement): void {
    const { container, log } = this.options
    if (this.isClosed) return
    if (start) this.startSoon()
    if (waitingFor === this.words) return
    this.words = waitingFor
    if (waitingFor === undefined) log.info('gluster container usable', { container })
    else log.warn('gluster container not usable', { container, waitingFor })
    this.changed()
  }

  private startSoon(): void {
    const { clock, random } = this.options
    if (this.starts.isPending) return
    const isSettled = clock.monotonicMs() - this.starts.lastMs > settledMs
    this.starts = { ...this.starts, attempt: isSettled ? 0 : this.starts.attempt + 1, isPending: true }
    const { attempt } = this.starts
    const delayMs = attempt === 0 ? 0 : backoffMs(attempt - 1, firstRetryMs, maxRetryMs, random)
    this.cancelTimer = clock.after(delayMs, () => void this.startNow())
  }

  /** What comes of it is told by an event; only a refusal is told by the answer. */
  private async startNow(): Promise<void> {
    const { clock, container, engine, log } = this.options
    this.starts = { ...this.starts, lastMs: clock.monotonicMs(), isPending: false }
    try {
      log.info('starting the gluster container', { container })
      await engine.docker.getContainer(container).start()
    } catch (error) {
      const { statusCode } = error as { statusCode?: number }
      // 304: it runs already. None: the engine is away, which ends the events too.
      if (statusCode === undefined || statusCode === 304) return
      this.settle({ start: true, waitingFor: `container ${container} to start: ${engineError(error, engine)}` })
    }
  }
}

const sharePids = "run the agent in the pid namespace of the engine's host"

function awaited({ socket }: Engine, why: string): string {
  return `the container engine at ${socket} to answer: ${why}`
}

/**
 * That a pid which the engine tells is that container's here too: brick processes are found, and commands ended, by their
 * pids. Every engine names the control group after the container.
 */
async function isVisible(pid: number, id: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes(id)
  } catch {
    return false
  }
}

/** Ends with the stream, or throws when that breaks off. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + chunk.toString()).split('\n')
    rest = lines.pop() ?? ''
    yield* lines.filter((line) => line.trim() !== '')
  }
}
