import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { recordedCluster, otherClusterReason } from '../store/clusterName.js'
import { Denied, type Store } from '../store/store.js'

const otherMs = 5_000

/**
 * Waits while etcd holds the keys of another cluster than `name`: nothing is written there, and nothing is done that stands there.
 * Gives what an operator has to fix, if there is anything. Throws a StoreError while etcd is away.
 */
export async function waitForOwnCluster(
  name: string | undefined,
  parts: { store: Store; clock: Clock; log: Log; isStopping: () => boolean },
): Promise<string[]> {
  const { store, clock, log } = parts
  if (name === undefined) return []
  for (let told = false; !parts.isStopping(); told = true) {
    try {
      const recorded = await recordedCluster(store)
      if (recorded === undefined || recorded === name) return []
      const reason = otherClusterReason(recorded, name, 'agent')
      if (!told) log.error('this etcd is of another cluster, nothing is done', { reason })
    } catch (error) {
      if (!(error instanceof Denied)) throw error
      return ['etcd denies this agent to read the key "cluster": run etcd-users.sh of this release for this host']
    }
    await new Promise<void>((resolve) => clock.after(otherMs, resolve))
  }
  return []
}
