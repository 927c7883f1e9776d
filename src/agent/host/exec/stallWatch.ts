import { bytesMoved } from './proc.js'

export interface StallTimes {
  /** It has stalled when it has said and moved nothing for so long, give or take a quarter. */
  stallMs: number
  /** It is quiet when it has said and moved nothing for so long: it waits for something. */
  quietMs: number
}

/** It is looked at so many times at least before it is taken for stalled. */
const looks = 4

/** Notices when a process group writes no output, and reads and writes nothing else either. */
export class StallWatch {
  private lastMoveMs = performance.now()
  private lastLookMs = this.lastMoveMs
  private movedBytes = 0
  private isStopped = false
  private readonly timer: NodeJS.Timeout

  constructor(
    private readonly pid: number | undefined,
    private readonly times: StallTimes,
    private readonly onQuiet: () => void,
    private readonly onStall: () => void,
  ) {
    // A look that fails, as where no file can be opened any more, tells nothing: the next one may.
    this.timer = setInterval(() => void this.look().catch(() => {}), Math.min(times.stallMs, times.quietMs) / looks)
  }

  /** It said something. */
  noteMove(): void {
    this.lastMoveMs = performance.now()
  }

  /** Calls back no more. May be repeated. */
  stop(): void {
    this.isStopped = true
    clearInterval(this.timer)
  }

  private async look(): Promise<void> {
    const wasHeard = this.lastMoveMs > this.lastLookMs
    this.lastLookMs = performance.now()
    // What speaks moves: all processes of the machine need not be looked through for that.
    if (wasHeard || this.pid === undefined) return
    const movedBytes = await bytesMoved(this.pid)
    if (movedBytes !== this.movedBytes) this.noteMove()
    this.movedBytes = movedBytes
    if (this.isStopped) return
    const quietForMs = performance.now() - this.lastMoveMs
    if (quietForMs >= this.times.quietMs) this.onQuiet()
    if (quietForMs >= this.times.stallMs) this.onStall()
  }
}
