import PQueue from 'p-queue'
import type { WipeProgress } from '../../../model/documents/wipe.js'
import { Unavailable } from '../../port/host.js'
import { wipesStop } from './messages.js'

/*
 * Wipes that take long. They run beside the rounds of their bricks: a step begins one and does not wait for it.
 *
 *   (none) → under way → erased → (none), when the ends are zeroed too; at once, if the wipe leaves the device blank
 *                      → failed → (none), when the next step has thrown the error; the step after that continues the wipe
 *
 * Nothing is kept over a restart of the agent: until the ends are zeroed the disk shows whose it was, and its wipe
 * begins again.
 *
 * INVARIANTS: one wipe of a name at a time; a device that is mounted or formatted again is no longer erased.
 */

/** What a wipe is given. */
export interface Erasing {
  /** Bytes that an earlier run has erased before it failed. */
  readonly doneBytes: number
  /** Reports how many bytes of the whole device are done. */
  progress(doneBytes: number): void
  /** Throws when the agent is stopping; called between two pieces. */
  requireTimeLeft(): void
}

/** `blank`: the ends are zeroed too. */
export type Erase = (erasing: Erasing) => Promise<'all but the ends' | 'blank'>

interface LongWipe {
  state: 'under way' | 'erased' | 'failed'
  doneBytes: number
  totalBytes: number
  error?: unknown
}

/** How many devices of a host are wiped at once. A limit, because wipes slow down its other devices. */
const maxAtOnce = 4

/** Wipes that run beside the steps, by name. After a restart of the agent they begin again. */
export class LongWipes {
  private readonly wipes = new Map<string, LongWipe>()
  private readonly running = new Set<Promise<void>>()
  private readonly limit = new PQueue({ concurrency: maxAtOnce })
  private isClosing = false

  /** The progress of a wipe that is under way or waits for its turn; undefined when there is none. */
  progressOf(name: string): WipeProgress | undefined {
    const wipe = this.wipes.get(name)
    if (wipe?.state !== 'under way') return undefined
    return { doneBytes: wipe.doneBytes, totalBytes: wipe.totalBytes }
  }

  /** This run of the agent has erased everything except the ends. */
  isErased(name: string): boolean {
    return this.wipes.get(name)?.state === 'erased'
  }

  /**
   * True when everything except the ends is erased. Otherwise begins the wipe, unless it is under way; if the last run
   * failed, first throws its error, once.
   */
  isErasedOrBegins(name: string, totalBytes: number, erase: Erase): boolean {
    const before = this.wipes.get(name)
    if (before?.state === 'erased') return true
    if (before?.state === 'under way') return false
    if (before?.error !== undefined) {
      const { error } = before
      delete before.error
      throw error instanceof Error ? error : new Error(String(error))
    }
    const wipe: LongWipe = { state: 'under way', doneBytes: before?.doneBytes ?? 0, totalBytes }
    this.wipes.set(name, wipe)
    const run = this.limit.add(() => this.erase(name, wipe, erase)).finally(() => this.running.delete(run))
    this.running.add(run)
    // guard: wipe-awaited
    return false
  }

  /** Forgets the wipe of a device that is blank or holds something new. */
  forget(name: string): void {
    if (this.wipes.get(name)?.state !== 'under way') this.wipes.delete(name)
  }

  /** Resolves when the pieces under way have ended; their wipes fail with Unavailable. */
  async close(): Promise<void> {
    this.isClosing = true
    await Promise.all(this.running)
  }

  private async erase(name: string, wipe: LongWipe, erase: Erase): Promise<void> {
    const requireTimeLeft = () => {
      if (this.isClosing) throw new Unavailable(wipesStop())
    }
    try {
      requireTimeLeft()
      const progress = (doneBytes: number) => (wipe.doneBytes = Math.min(doneBytes, wipe.totalBytes))
      const end = await erase({ doneBytes: wipe.doneBytes, progress, requireTimeLeft })
      wipe.state = 'erased'
      if (end === 'blank') this.wipes.delete(name)
    } catch (error) {
      wipe.state = 'failed'
      wipe.error = error
    }
  }
}
