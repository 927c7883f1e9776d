/** Whose turn it is: a transfer of a user. */
export interface Turn {
  uid: number
  transfer: string
  /** It does not wait any more when this is aborted. */
  signal: AbortSignal
}

/** What has its turn may give its slot back before its end: while it does nothing, others go on. */
export type Turns = <T>(turn: Turn, task: (giveBack: () => void) => Promise<T>) => Promise<T>

interface Waiting {
  turn: Turn
  begin: () => void
}

/**
 * Runs at most `max` tasks at a time. Users take turns, and the transfers of a user among themselves, each one task at a time: who
 * has little to do waits for no more than one task of everybody else.
 */
export function turnsOf(max: number): Turns {
  let running = 0
  let waiting: Waiting[] = []
  const byUser = rotation<number>()
  const byTransfer = rotation<string>()
  const startNext = () => {
    while (running < max && waiting.length > 0) {
      const uid = byUser.next(waiting.map(({ turn }) => turn.uid))
      const ofUser = waiting.filter(({ turn }) => turn.uid === uid)
      const transfer = byTransfer.next(ofUser.map(({ turn }) => turn.transfer))
      const first = ofUser.find(({ turn }) => turn.transfer === transfer)!
      waiting = waiting.filter((one) => one !== first)
      running++
      first.begin()
    }
  }
  const wait = (turn: Turn) =>
    new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        waiting = waiting.filter((other) => other !== one)
        reject(turn.signal.reason as Error)
      }
      const begin = () => {
        turn.signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const one: Waiting = { turn, begin }
      turn.signal.addEventListener('abort', onAbort, { once: true })
      waiting.push(one)
      startNext()
    })
  return async (turn, task) => {
    turn.signal.throwIfAborted()
    await wait(turn)
    let isHeld = true
    const giveBack = () => {
      if (!isHeld) return
      isHeld = false
      running--
      startNext()
    }
    try {
      turn.signal.throwIfAborted()
      return await task(giveBack)
    } finally {
      giveBack()
    }
  }
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
