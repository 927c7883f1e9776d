import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import type { DecisionStore } from '../commit/decision.js'
import type { Reply, Request } from '../http/server.js'
import { tooManyWatches } from './messages.js'

export interface WatchDependencies {
  decisions: Pick<DecisionStore, 'onChange'>
  clock: Clock
  log: Log
}

/** What is shown now. `isLast`: no other line follows. `isOld`: the cluster has changed since it was made. */
export interface Shown {
  line: string
  isLast?: boolean
  isOld?: boolean
}

/** Each watcher needs a socket, and memory for what its reader has not read. */
const maxWatchers = 64

/** Streams: one line now, and one after each visible change, with at least `pauseMs` between them. */
export class Watchers {
  private count = 0

  constructor(private readonly deps: WatchDependencies) {}

  open(show: () => Promise<Shown>, pauseMs: number, onGone: Request['onGone']): Reply {
    if (this.count >= maxWatchers) return { status: 503, body: `${tooManyWatches(maxWatchers)}\n` }
    this.count++
    let isGone = false
    let stop = () => {}
    onGone(() => {
      this.count--
      isGone = true
      stop()
    })
    return {
      stream: (write, end) => {
        // The reader may have gone while its call waited.
        if (isGone) return end()
        const following = new Following(this.deps, show, pauseMs, write)
        stop = () => following.stop()
        following.run().then(end, (error: unknown) => {
          this.deps.log.error('a watch failed', { reason: error instanceof Error ? error.stack : String(error) })
          end()
        })
      },
    }
  }
}

class Following {
  private isChanged = false
  private isStopped = false
  private wake = () => {}

  constructor(
    private readonly deps: WatchDependencies,
    private readonly show: () => Promise<Shown>,
    private readonly pauseMs: number,
    private readonly write: (line: string) => Promise<void>,
  ) {}

  async run(): Promise<void> {
    const stopListening = this.deps.decisions.onChange(() => {
      this.isChanged = true
      this.wake()
    })
    try {
      for (let last = ''; !this.isStopped;) {
        this.isChanged = false
        const { line, isLast, isOld } = await this.show()
        if (isOld) this.isChanged = true
        if (line !== last) await this.write(line)
        last = line
        if (isLast) return
        await this.pause()
        if (!this.isChanged && !this.isStopped) await new Promise<void>((resolve) => (this.wake = resolve))
      }
    } finally {
      stopListening()
    }
  }

  stop(): void {
    this.isStopped = true
    this.wake()
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => void this.deps.clock.after(this.pauseMs, resolve))
  }
}
