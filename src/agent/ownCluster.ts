import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { keyDenied } from './messages.js'
import { recordedCluster } from '../store/clusterName.js'
import { otherCluster } from '../store/messages.js'
import { Denied, type Store } from '../store/store.js'

const otherMs = 5_000

/**
 * Waits while etcd holds the keys of another cluster than `name`: writes nothing there, and acts on nothing there.
 * Returns the problems that an operator has to fix. Throws a StoreError while etcd is away.
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
      const reason = otherCluster(recorded, name, 'agent')
      if (!told) log.error('this etcd belongs to another cluster, nothing is done', { reason })
    } catch (error) {
      if (!(error instanceof Denied)) throw error
      return [keyDenied('cluster')]
    }
    await new Promise<void>((resolve) => clock.after(otherMs, resolve))
  }
  return []
}
