import PQueue from 'p-queue'
import type { WipeProgress } from '../../../model/documents/wipe.js'
import { Unavailable } from '../../port.js'

/*
 * Wipes that take long, beside the rounds of their bricks: a step begins one and does not wait for its end.
 *
 *   (none) → under way → erased → (none), when the ends are zeroed too; at once, where nothing is left to be done
 *                      → failed → (none), when the next step has heard why; the step after that goes on where it came to
 *
 * Nothing is kept over a restart of the agent: until the ends are zeroed the disk says whose it was, and is begun anew.
 *
 * INVARIANTS: one wipe of a name at a time; what is mounted or formatted again is erased no more.
 */

/** What a wipe works with. */
export interface Erasing {
  /** Done before, by a run that failed. */
  readonly doneBytes: number
  /** How many bytes are done, of the whole device. */
  progress(doneBytes: number): void
  /** Throws when the agent is to stop; asked between two pieces. */
  requireTimeLeft(): void
}

/** `blank`: nothing is left to be done, not even the ends. */
export type Erase = (erasing: Erasing) => Promise<'all but the ends' | 'blank'>

interface LongWipe {
  state: 'under way' | 'erased' | 'failed'
  doneBytes: number
  totalBytes: number
  error?: unknown
}

/** How many devices of a host are wiped at once, and so take from what its other devices do. */
const maxAtOnce = 4

/** Wipes that run beside the steps, one at a time, by name. An agent that is started anew begins them anew. */
export class LongWipes {
  private readonly wipes = new Map<string, LongWipe>()
  private readonly running = new Set<Promise<void>>()
  private readonly limit = new PQueue({ concurrency: maxAtOnce })
  private isClosing = false

  /** Of a wipe that is under way or waits for its turn; undefined when there is none. */
  progressOf(name: string): WipeProgress | undefined {
    const wipe = this.wipes.get(name)
    if (wipe?.state !== 'under way') return undefined
    return { doneBytes: wipe.doneBytes, totalBytes: wipe.totalBytes }
  }

  /** All but the ends is erased, by this run of the agent: the ends come next. */
  isErased(name: string): boolean {
    return this.wipes.get(name)?.state === 'erased'
  }

  /**
   * True when all is erased. Begins it otherwise, unless it is under way, or throws, once, what the last run failed
   * with.
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

  /** Its device is blank, or holds something new. */
  forget(name: string): void {
    if (this.wipes.get(name)?.state !== 'under way') this.wipes.delete(name)
  }

  /** Ends after the pieces under way; wipes fail with Unavailable then. */
  async close(): Promise<void> {
    this.isClosing = true
    await Promise.all(this.running)
  }

  private async erase(name: string, wipe: LongWipe, erase: Erase): Promise<void> {
    const requireTimeLeft = () => {
      if (this.isClosing) throw new Unavailable('the agent is to stop: its wipes are begun anew by the next')
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
