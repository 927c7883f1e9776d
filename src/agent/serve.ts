import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { unhealthyAfterMs } from '../daemon/conditionTimer.js'
import { type DesiredKind, desiredKinds } from '../model/documents/desired.js'
import type { HostDocument, Role } from '../model/documents/host.js'
import { LeasedKey } from '../store/leasedKey.js'
import { clipped } from '../model/fields.js'
import { toLevel, ourLevels } from '../model/levels.js'
import { keys } from '../store/keys.js'
import type { Store } from '../store/store.js'
import { Agent } from './agent.js'
import type { Host } from './port/host.js'
import { Inventory } from './inventory.js'
import { KnownLeader } from './knownLeader.js'
import { waitForOwnCluster } from './ownCluster.js'

export interface ServeParts {
  host: Host
  roles: readonly Role[]
  /** The cluster's name; not compared with the one in etcd when absent. */
  cluster?: string
  document: HostDocument
  store: Store
  clock: Clock
  log: Log
  random?: () => number
}

export interface HostService {
  readonly inventory: Inventory
  /** Replaces the problems of that subject in this host's document, which operators see. */
  tellProblems(subject: string, problems: string[]): void
  /** Writes another document of this host. */
  update(document: HostDocument): void
  /** Inspects all devices, or that one, and writes the inventory; does nothing on a host without the role storage. */
  refreshInventory(device?: string): Promise<void>
  /** Reconciles all documents of these kinds again. */
  wake(...kinds: DesiredKind[]): void
  /** False when the watch has been lost for long although etcd answers: only a restart helps. */
  isHealthy(): boolean
  /** Ends after the steps under way; the host stays as it is. The store stays open. */
  stop(): Promise<void>
}

const leaseSeconds = 15
const retryMs = 1_000
const maxProblems = 50

/**
 * Serves one host: writes its inventory first, so that whoever sees the host alive knows its devices too, then the key
 * that shows it alive, then acts on desired documents. While etcd is away, all of that waits, and nothing on the host
 * changes.
 */
export function serveHost(parts: ServeParts): HostService {
  const { host, roles, document, store, clock, log } = parts
  let current = document
  let kept: LeasedKey | undefined
  const problems = new Map<string, string[]>()
  const tellProblems = (subject: string, texts: string[]) => {
    const before = problems.get(subject) ?? []
    if (JSON.stringify(before) === JSON.stringify(texts)) return
    problems.set(subject, texts)
    if (texts.length > 0) log.warn('problem for an operator', { subject, problems: texts })
    kept?.update(told())
  }
  const leader = new KnownLeader(parts)
  const inventory = new Inventory({
    ...parts,
    level: () => leader.level,
    onProblems: (texts) => tellProblems('devices', texts),
  })
  const refreshInventory = (device?: string) =>
    roles.includes('storage') ? inventory.refresh(device) : Promise.resolve()
  const agent = new Agent({ ...parts, leader, refreshInventory })
  let stopping = false

  /** This host's document, in the form that the leader can read. */
  const told = () => {
    const versions = { ...current.versions, documents: ourLevels }
    const theLeaders = leader.problem === undefined ? [] : [leader.problem]
    const known = [...theLeaders, ...(current.problems ?? []), ...[...problems.values()].flat()]
    const all = known.slice(0, maxProblems).map(clipped)
    const document = { ...current, versions, ...(all.length > 0 ? { problems: all } : {}) }
    return toLevel(document, 'hosts', leader.level)
  }
  leader.onChange(() => {
    kept?.update(told())
    if (kept) refreshInventory().catch((error: unknown) => log.warn('inventory failed', { reason: String(error) }))
    agent.wake(...desiredKinds)
  })

  const begin = async () => {
    while (!stopping) {
      try {
        tellProblems(
          'cluster',
          await waitForOwnCluster(parts.cluster, { store, clock, log, isStopping: () => stopping }),
        )
        if (stopping) return
        await leader.look()
        await refreshInventory()
        break
      } catch (error) {
        log.warn('waiting for etcd', { reason: String(error) })
        await new Promise<void>((resolve) => clock.after(retryMs, resolve))
      }
    }
    if (stopping) return
    kept = new LeasedKey(store, keys.host(host.name), told(), { ttlSeconds: leaseSeconds, clock, log })
    // Until this host is seen alive, the scheduler may give its volumes to another host.
    await kept.written
    if (stopping) return
    leader.start()
    inventory.start()
    agent.start()
    log.info('serving', { host: host.name, roles })
  }
  void begin()

  return {
    inventory,
    refreshInventory,
    tellProblems,
    update: (next) => {
      current = next
      kept?.update(told())
    },
    wake: (...kinds) => agent.wake(...kinds),
    isHealthy: () => !(kept?.isHeld() && agent.unwatchedForMs >= unhealthyAfterMs),
    stop: async () => {
      stopping = true
      leader.close()
      await inventory.close()
      await agent.stop()
      await kept?.close()
    },
  }
}
