import PQueue, { type QueueAddOptions } from 'p-queue'

/** Whose turn it is: a transfer of a user. */
export interface Turn {
  uid: number
  transfer: string
  /** Ends the wait when aborted. */
  signal: AbortSignal
}

/** A task may give its slot back before it ends, so that others run while it does nothing. */
export type Turns = <T>(turn: Turn, task: (giveBack: () => void) => Promise<T>) => Promise<T>

type Run = () => Promise<unknown>
type Place = QueueAddOptions & { turn: Turn }

/**
 * Runs at most `max` tasks at a time. Users take turns, and so do the transfers of one user, one task each: a user with
 * little to do waits for at most one task of every other user.
 */
export function turnsOf(max: number): Turns {
  const queue = new PQueue<TurnQueue, Place>({ concurrency: max, queueClass: TurnQueue })
  return (turn, task) =>
    new Promise((resolve, reject) => {
      const onAbort = () => reject(turn.signal.reason as Error)
      if (turn.signal.aborted) return onAbort()
      turn.signal.addEventListener('abort', onAbort, { once: true })
      // The queue is not given the signal: it would free the slot of a task that has not ended yet.
      const hold = (giveBack: () => void) => {
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

  /** The number of tasks that wait, without aborted ones. */
  get size(): number {
    this.waiting = this.waiting.filter(({ turn }) => !turn.signal.aborted)
    return this.waiting.length
  }

  enqueue(run: Run, place?: Partial<Place>): void {
    this.waiting.push({ run, turn: place!.turn! })
  }

  dequeue(): Run {
    const uid = this.byUser.next(this.waiting.map(({ turn }) => turn.uid))
    const ofUser = this.waiting.filter(({ turn }) => turn.uid === uid)
    const transfer = this.byTransfer.next(ofUser.map(({ turn }) => turn.transfer))
    const first = ofUser.find(({ turn }) => turn.transfer === transfer)!
    this.waiting = this.waiting.filter((one) => one !== first)
    return first.run
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
