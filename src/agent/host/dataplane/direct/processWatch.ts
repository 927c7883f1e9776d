import type { Clock } from '../../../../daemon/clock.js'
import { isRunning, type ProcessId } from '../../exec/processes.js'

const lookMs = 2_000

/**
 * Notices when a process that serves a brick, or is behind a mount, has ended without being told to, by a look at all that it
 * follows every two seconds: nobody else would before the next resync.
 */
export class ProcessWatch {
  private followed = new Map<string, ProcessId>()
  private cancel: (() => void) | undefined
  private isClosed = false

  constructor(
    private readonly clock: Pick<Clock, 'after'>,
    private readonly onEnd: () => void,
  ) {}

  /** Under one name one process at a time. */
  follow(name: string, process: ProcessId): void {
    this.followed.set(name, process)
    this.lookLater()
  }

  /** Whether a process of that name is followed, and has not been seen to end. */
  isFollowed(name: string): boolean {
    return this.followed.has(name)
  }

  /** Follows the process of that name no longer, for example because it is going to be ended. */
  forget(name: string): void {
    this.followed.delete(name)
  }

  /** Follows nothing any more, and does not call back again. */
  close(): void {
    this.isClosed = true
    this.cancel?.()
  }

  private lookLater(): void {
    if (this.isClosed || this.cancel || this.followed.size === 0) return
    this.cancel = this.clock.after(lookMs, () => void this.look())
  }

  private async look(): Promise<void> {
    let hasEnded = false
    for (const [name, process] of [...this.followed]) {
      if (await isRunning(process)) continue
      // Another one may have its name by now.
      if (this.followed.get(name) !== process) continue
      this.followed.delete(name)
      hasEnded = true
    }
    this.cancel = undefined
    if (hasEnded && !this.isClosed) this.onEnd()
    this.lookLater()
  }
}
