import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { recordCluster, whoseEtcd } from '../../store/clusterName.js'
import type { Store } from '../../store/store.js'

const retryMs = 1_000
const otherMs = 5_000

/** Whether etcd is our cluster's: its name is recorded at the first start of all, and compared at each. */
export interface OwnCluster {
  /** Resolves when it is. Never, while it is another's: that is looked at again and again. */
  readonly confirmed: Promise<void>
  /** Why nothing is done, for people. */
  problem(): string | undefined
  close(): void
}

export function confirmCluster(parts: { store: Store; name: string; clock: Clock; log: Log }): OwnCluster {
  const { store, name, clock, log } = parts
  let problem: string | undefined
  let closed = false
  let cancel = () => {}

  const look = async (confirm: () => void) => {
    try {
      const recorded = await recordCluster(store, name)
      if (recorded === name) {
        problem = undefined
        return confirm()
      }
      const found = whoseEtcd(recorded, name, 'scheduler')
      if (found !== problem) log.error('this etcd is of another cluster, nothing is done', { reason: found })
      problem = found
    } catch (error) {
      log.debug('the name of the cluster could not be compared', { reason: String(error) })
    }
    if (!closed) cancel = clock.after(problem === undefined ? retryMs : otherMs, () => void look(confirm))
  }

  return {
    confirmed: new Promise((resolve) => void look(resolve)),
    problem: () => problem,
    close: () => {
      closed = true
      cancel()
    },
  }
}
