import PQueue, { type QueueAddOptions } from 'p-queue'
import type { StageLimits } from './limits.js'

/** Whose turn it is: a transfer of a user. */
export interface Turn {
  uid: number
  transfer: string
  /** The path of `stageLimits` from or to which it copies. */
  path?: string | undefined
  /** Ends the wait when aborted. */
  signal: AbortSignal
}

/** A task may give its slot back before it ends, so that others run while it does nothing. */
export type Turns = <T>(turn: Turn, task: (giveBack: () => void) => Promise<T>) => Promise<T>

type Run = () => Promise<unknown>
type Place = QueueAddOptions & { turn: Turn }

/**
 * Runs no more tasks at a time than the limits allow. Users take turns, and so do the transfers of one user, one task each: a user with
 * little to do waits for at most one task of every other user.
 */
export function turnsOf(limits: StageLimits): Turns {
  const running = new Set<Turn>()
  class LimitedQueue extends TurnQueue {
    constructor() {
      super(limits, running)
    }
  }
  const queue = new PQueue<LimitedQueue, Place>({ concurrency: limits.host.slots, queueClass: LimitedQueue })
  // The end of one task may allow several others, because it counts for more than one limit: p-queue begins one.
  queue.on('next', () => (queue.concurrency = limits.host.slots))
  return (of, task) =>
    new Promise((resolve, reject) => {
      // Several tasks may share what they were given.
      const turn = { ...of }
      const onAbort = () => reject(turn.signal.reason as Error)
      if (turn.signal.aborted) return onAbort()
      turn.signal.addEventListener('abort', onAbort, { once: true })
      // The queue is not given the signal: it would free the slot of a task that has not ended yet.
      const hold = (free: () => void) => {
        const giveBack = () => {
          running.delete(turn)
          free()
        }
        turn.signal.removeEventListener('abort', onAbort)
        resolve(task(giveBack).finally(giveBack))
      }
      void queue.add(() => new Promise<void>(hold), { turn })
    })
}

/** The order in which tasks begin. p-queue also requires `filter` and `setPriority`, which are not used. */
class TurnQueue {
  private waiting: { run: Run; turn: Turn }[] = []
  private readonly byUser = rotation<number>()
  private readonly byTransfer = rotation<string>()

  constructor(
    private readonly limits: StageLimits,
    private readonly running: Set<Turn>,
  ) {}

  /** The number of tasks that may run now: of those that wait, without aborted ones and those that have to wait for a limit. */
  get size(): number {
    this.waiting = this.waiting.filter(({ turn }) => !turn.signal.aborted)
    return this.allowed().length
  }

  enqueue(run: Run, place?: Partial<Place>): void {
    this.waiting.push({ run, turn: place!.turn! })
  }

  dequeue(): Run {
    const allowed = this.allowed()
    const uid = this.byUser.next(allowed.map(({ turn }) => turn.uid))
    const ofUser = allowed.filter(({ turn }) => turn.uid === uid)
    const transfer = this.byTransfer.next(ofUser.map(({ turn }) => turn.transfer))
    const first = ofUser.find(({ turn }) => turn.transfer === transfer)!
    this.waiting = this.waiting.filter((one) => one !== first)
    this.running.add(first.turn)
    return first.run
  }

  private allowed() {
    return this.waiting.filter(({ turn }) => this.mayRun(turn))
  }

  private mayRun({ uid, path }: Turn): boolean {
    const { user, paths } = this.limits
    const count = (is: (turn: Turn) => boolean) => [...this.running].filter(is).length
    if (count((turn) => turn.uid === uid) >= (user.slots ?? Infinity)) return false
    return path === undefined || count((turn) => turn.path === path) < (paths[path]?.slots ?? Infinity)
  }

  filter = () => []
  setPriority = () => {}
}

/** How many are remembered after their turn, so that one that asks again is not treated as new. */
const maxRemembered = 1_000

/** Chooses the candidate whose last turn was longest ago, or one that has had none. */
function rotation<T>() {
  const served = new Set<T>()
  return {
    next: (candidates: readonly T[]): T => {
      const waiting = new Set(candidates)
      const next = candidates.find((one) => !served.has(one)) ?? [...served].find((one) => waiting.has(one))!
      served.delete(next)
      served.add(next)
      if (served.size > maxRemembered) served.delete([...served].find((one) => !waiting.has(one)) ?? next)
      return next
    },
  }
}
