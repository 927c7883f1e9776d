import PQueue, { type QueueAddOptions } from 'p-queue'

/** Whose turn it is: a transfer of a user. */
export interface Turn {
  uid: number
  transfer: string
  /** It does not wait any more when this is aborted. */
  signal: AbortSignal
}

/** What has its turn may give its slot back before its end: while it does nothing, others go on. */
export type Turns = <T>(turn: Turn, task: (giveBack: () => void) => Promise<T>) => Promise<T>

type Run = () => Promise<unknown>
type Place = QueueAddOptions & { turn: Turn }

/**
 * Runs at most `max` tasks at a time. Users take turns, and the transfers of a user among themselves, each one task at a time: who
 * has little to do waits for no more than one task of everybody else.
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

/** In which order what waits begins. p-queue asks for `filter` and `setPriority` as well, and nothing here uses them. */
class TurnQueue {
  private waiting: { run: Run; turn: Turn }[] = []
  private readonly byUser = rotation<number>()
  private readonly byTransfer = rotation<string>()

  /** Without those that are not wanted any more. */
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

/** Who was served is remembered beyond its wait, or who asks again and again would be new each time. */
const maxRemembered = 1_000

/** Of those that wait, the one whose last turn is longest ago; first of all, one that had none. */
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
