import type { Cluster } from '../../../model/cluster.js'
import { OutcomeUnknown, StoreUnavailable } from '../../../store/store.js'
import { type Committed, type Decision, NotLeader } from '../../commit/decision.js'
import { settled, type Progress } from '../../progress.js'
import { NameServiceUnavailable } from '../../users/nameService.js'
import { timedOut } from './messages.js'
import { SlurmFailure } from './slurmFailure.js'
import type { SlurmDependencies } from './context.js'

const awayPauseMs = 1_000
const becomeLeaderMs = 60_000

/** A call of Slurm that writes or waits, and the time limit for all of it. */
export class TimedCall {
  private readonly endMs: number

  constructor(
    readonly deps: SlurmDependencies,
    seconds: number,
  ) {
    this.endMs = deps.clock.monotonicMs() + seconds * 1000
  }

  get leftMs(): number {
    return Math.max(0, this.endMs - this.deps.clock.monotonicMs())
  }

  /** Repeats while etcd or the name service does not answer, until the time is over: Slurm holds a job whose setup failed. */
  async retry<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await act()
      } catch (error) {
        const isAway =
          error instanceof StoreUnavailable ||
          error instanceof OutcomeUnknown ||
          error instanceof NameServiceUnavailable
        if (!isAway || this.leftMs < awayPauseMs) throw error
        await new Promise<void>((resolve) => this.deps.clock.after(awayPauseMs, resolve))
      }
    }
  }

  /** Decides and writes. A decision whose outcome is unknown is made again, and finds what it has written. */
  commitWithRetries<T>(decide: (cluster: Cluster) => Decision<T>): Promise<T> {
    return this.retry(() => commitAsLeader(this.deps, decide))
  }

  /** Waits for the session or the buffer of that name. `maySettle`: a cheap answer to whether it may be done, or have failed. */
  async waitUntilDone(
    token: string,
    progress: (cluster: Cluster) => Progress,
    maySettle: (cluster: Cluster) => boolean = () => true,
  ): Promise<void> {
    const { decisions } = this.deps
    const check = (cluster: Cluster) => (maySettle(cluster) ? settled(progress(cluster)) : undefined)
    const end = await decisions.waitFor(check, this.leftMs, token)
    if (end?.state === 'done') return
    if (end) throw new SlurmFailure(end.reason)
    const now = progress(decisions.cluster)
    throw new SlurmFailure(timedOut(now.state === 'waiting' ? now.waitingFor : []))
  }
}

/** Writes a decision as the leader. If another scheduler leads, takes over, because slurmctld calls this one. */
async function commitAsLeader<T>(deps: SlurmDependencies, decide: (cluster: Cluster) => Decision<T>): Promise<T> {
  let committed: Committed<T>
  try {
    committed = await deps.decisions.commit(decide)
  } catch (error) {
    if (!(error instanceof NotLeader) || !(await deps.becomeLeader(becomeLeaderMs))) throw error
    committed = await deps.decisions.commit(decide)
  }
  if ('refused' in committed) throw new SlurmFailure(committed.refused)
  return committed.result
}
