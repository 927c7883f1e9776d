import { bytesMoved } from './proc.js'

export interface StallTimes {
  /** It has stalled after so long without output or I/O, give or take a quarter. */
  stallMs: number
  /** It is quiet after so long without output or I/O: it waits for something. */
  quietMs: number
}

/** Number of checks, at least, before it counts as stalled. */
const looks = 4

/** Notices when a process group writes no output, and reads and writes nothing else either. */
export class StallWatch {
  private lastMoveMs = performance.now()
  private lastLookMs = this.lastMoveMs
  private movedBytes = 0
  private isStopped = false
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly group: () => number | undefined,
    private readonly times: StallTimes,
    private readonly onQuiet: () => void,
    private readonly onStall: () => void,
  ) {
    // A check that fails, for example because no file can be opened, says nothing: the next one may succeed.
    this.timer = setInterval(() => void this.look().catch(() => {}), Math.min(times.stallMs, times.quietMs) / looks)
  }

  /** Notes that it wrote output. */
  noteMove(): void {
    this.lastMoveMs = performance.now()
  }

  /** Stops calling back. May be repeated. */
  stop(): void {
    this.isStopped = true
    clearInterval(this.timer)
  }

  private async look(): Promise<void> {
    const wasHeard = this.lastMoveMs > this.lastLookMs
    this.lastLookMs = performance.now()
    // It wrote output, so the I/O of its processes need not be read.
    const group = this.group()
    if (wasHeard || group === undefined) return
    const movedBytes = await bytesMoved(group)
    if (movedBytes !== this.movedBytes) this.noteMove()
    this.movedBytes = movedBytes
    if (this.isStopped) return
    const quietForMs = performance.now() - this.lastMoveMs
    if (quietForMs >= this.times.quietMs) this.onQuiet()
    if (quietForMs >= this.times.stallMs) this.onStall()
  }
}
