import PQueue from 'p-queue'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { ConditionTimer } from '../daemon/conditionTimer.js'
import type { AnyDesired, DesiredKind } from '../model/documents/desired.js'
import type { Role } from '../model/documents/host.js'
import { keys, parseKey } from '../store/keys.js'
import type { Change, Entry, Store, Watch } from '../store/store.js'
import { acceptDesired } from './desiredDocument.js'
import { volumeStepsAtOnce } from './plan/dataplane/index.js'
import type { Host } from './port/host.js'
import type { KnownLeader } from './knownLeader.js'
import { byName } from './reconcile/oneByOne.js'
import type { DesiredEntry, DocumentId, ReconcilerDependencies } from './reconcile/document.js'
import { Reconciler } from './reconcile/reconciler.js'

export interface AgentDependencies {
  host: Host
  roles: readonly Role[]
  store: Store
  clock: Clock
  log: Log
  leader: KnownLeader
  refreshInventory(device: string): Promise<void>
  random?: () => number
}

const collectionMs = 600_000
const atMost = (concurrency: number) => new PQueue({ concurrency })

/*
 * Starts one reconciler for each desired document of this host.
 *
 * INVARIANTS: only `desired/<this host>/` is read; a document that does not match its schema, its key or the fence is
 * refused, and the document before it stays in force.
 */
export class Agent {
  private readonly reconcilers = new Map<string, Reconciler<DesiredKind>>()
  private readonly dependencies: ReconcilerDependencies
  private readonly leader: KnownLeader
  private watch: Watch | undefined
  private syncedOnce = false
  private readonly unwatched: ConditionTimer
  private cancelCollection: () => void = () => {}

  constructor(dependencies: AgentDependencies) {
    const many = atMost(16)
    const volumes = atMost(volumeStepsAtOnce)
    // A discard may take minutes: it must not delay a brick process that is to be started again under a job.
    const served = atMost(16)
    const limits: Record<DesiredKind, PQueue> = {
      brick: many,
      volume: volumes,
      peer: volumes,
      adopt: many,
      mount: many,
      // A transfer may take long: it must not delay bricks and mounts.
      transfer: atMost(16),
      // A swapoff may take minutes: it must not delay anything else.
      swap: atMost(8),
    }
    const { leader } = dependencies
    this.leader = leader
    // Only glusterd takes one command after the other.
    const limitOf = (document: AnyDesired) =>
      document.kind === 'volume' && document.type === 'direct' ? served : limits[document.kind]
    this.dependencies = {
      ...dependencies,
      level: () => leader.level,
      onBrickReady: ({ buffer }) => this.wakeVolumesOf(buffer.id),
      limitOf,
      oneByOne: byName(),
    }
    this.unwatched = new ConditionTimer(dependencies.clock)
  }

  /** For how long the watch on the desired documents has been lost. */
  get unwatchedForMs(): number {
    return this.unwatched.ms
  }

  start(): void {
    const { host, log, store } = this.dependencies
    this.unwatched.begin()
    this.watch = store.watch(keys.desiredOf(host.name), {
      onChanges: (changes) => this.onChanges(changes),
      onSynced: () => {
        if (this.syncedOnce) return
        this.syncedOnce = true
        void this.collectOrphans()
      },
      onConnection: (state, reason) => {
        if (state === 'connected') {
          this.unwatched.end()
          log.info('watching etcd')
        } else {
          this.unwatched.begin()
          log.warn('lost etcd: bricks and mounts stay as they are', { reason })
        }
      },
    })
  }

  async stop(): Promise<void> {
    this.cancelCollection()
    await this.watch?.close()
    await Promise.all([...this.reconcilers.values()].map((reconciler) => reconciler.stop()))
  }

  /** Reconciles all documents of these kinds again, because the data plane became available or unavailable. */
  wake(...kinds: DesiredKind[]): void {
    for (const [name, reconciler] of this.reconcilers) {
      if (kinds.some((kind) => name.startsWith(`${kind}/`))) reconciler.wake()
    }
  }

  private wakeVolumesOf(buffer: number): void {
    for (const reconciler of this.reconcilers.values()) {
      const { desired } = reconciler
      if (desired?.kind === 'volume' && desired.buffer.id === buffer) reconciler.wake()
    }
  }

  private onChanges(changes: Change[]): void {
    // A batch may contain a key several times: only its last change counts. Sorted by age, so that fences rise as they
    // were written.
    const last = [...new Map(changes.map((change) => [change.key, change])).values()]
    last.sort((a, b) => (a.entry?.modRevision ?? 0) - (b.entry?.modRevision ?? 0))
    for (const change of last) {
      const parsed = parseKey(change.key)
      if (parsed?.collection !== 'desired' || parsed.host !== this.dependencies.host.name) continue
      if (!change.entry) this.apply(parsed.kind, parsed.id, undefined)
      else this.take(change.entry, parsed)
    }
  }

  private take(found: Entry, { kind, id }: DocumentId): void {
    const read = acceptDesired(found, { kind, id }, this.leader)
    if ('refused' in read) {
      this.dependencies.log.error('desired document refused', { key: found.key, reason: read.refused })
      return
    }
    if (read.accepted.document.fence > this.leader.fence) this.leader.lookSoon()
    this.apply(kind, id, read.accepted)
  }

  private apply(kind: DesiredKind, id: string, entry: DesiredEntry | undefined): void {
    const name = `${kind}/${id}`
    const existing = this.reconcilers.get(name)
    if (existing) return existing.update(entry)
    const reconciler = new Reconciler(entry, { kind, id }, this.dependencies, () => {
      if (this.reconcilers.get(name) === reconciler) this.reconcilers.delete(name)
    })
    this.reconcilers.set(name, reconciler)
  }

  /**
   * Deletes reports of an earlier run whose desired documents were deleted while no agent watched. Runs again from time
   * to time, because a write of that run may arrive late.
   */
  private async collectOrphans(): Promise<void> {
    const { store, host, log, clock } = this.dependencies
    this.cancelCollection = clock.after(collectionMs, () => void this.collectOrphans())
    try {
      const { entries } = await store.list(keys.observedOf(host.name))
      for (const { key } of entries) {
        const parsed = parseKey(key)
        if (parsed?.collection !== 'observed' || this.reconcilers.has(`${parsed.kind}/${parsed.id}`)) continue
        this.apply(parsed.kind, parsed.id, undefined)
      }
    } catch (error) {
      log.warn('cannot list old reports', { reason: String(error) })
    }
  }
}
