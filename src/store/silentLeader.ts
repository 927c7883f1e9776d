import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { keys } from './keys.js'
import type { Pauses } from './pauses.js'
import type { Store } from './store.js'

/** After this many lifetimes of the lease without a new write of the key, a standby checks whether its leader is dead. */
const patience = 3

export interface SilentLeaderParts {
  store: Store
  ttlMs: number
  clock: Clock
  log: Log
  pauses: Pauses
  /** The candidate that asks a leader to resign. */
  candidate: { host: string; pid: number }
  /** The leader that we follow, if it writes its key again and again; undefined when we follow none. */
  followed: () => { host: string; modRevision: number } | undefined
}

/**
 * A lease alone does not prove that its owner is alive, because etcd lets anybody renew any lease. So a leader writes its key again and again.
 * A leader whose key has not changed for three lifetimes of the lease, by the standby's clock, is asked to resign; one lifetime later
 * the key is deleted. The fence refuses later writes of the old leader.
 */
export class SilentLeader {
  private movedAt: number
  private cancel: () => void = () => {}
  private isClosed = false

  /** Checks from now on, until it is closed. */
  constructor(private readonly parts: SilentLeaderParts) {
    this.movedAt = parts.clock.monotonicMs()
    this.schedule()
  }

  /** To be called when the key has changed, or a change could have been missed. */
  moved(): void {
    this.movedAt = this.parts.clock.monotonicMs()
  }

  /** Stops checking; the pauses are closed by their owner. */
  close(): void {
    this.isClosed = true
    this.cancel()
  }

  private schedule(): void {
    const { clock, log, ttlMs } = this.parts
    this.cancel = clock.after(ttlMs, () => {
      const isOverdue = clock.monotonicMs() - this.movedAt >= patience * ttlMs
      const looked = isOverdue && this.parts.followed() ? this.depose() : Promise.resolve()
      looked
        .catch((error: unknown) => log.warn('a silent leader could not be checked', { reason: String(error) }))
        .finally(() => this.isClosed || this.schedule())
    })
  }

  /** Ends the leadership of one whose lease somebody else keeps alive. */
  private async depose(): Promise<void> {
    const { store, clock, log, pauses, candidate, followed, ttlMs } = this.parts
    const before = await store.get(keys.leader)
    if (!before || before.modRevision !== followed()?.modRevision) return
    const { host, pid } = candidate
    // A leader that is alive resigns. If etcd accepts no writes at all, nobody could take over: then this throws.
    await store.write([], [{ put: keys.leaderWanted, value: { v: 1, host, pid, at: clock.unixSeconds() } }])
    await pauses.wait(ttlMs)
    const silent = followed()
    if (!silent) return
    const { won } = await store.write(
      [{ key: keys.leader, modRevision: before.modRevision }],
      [{ delete: keys.leader }],
    )
    if (won) log.warn('a dead leader was removed: somebody else renews its lease', { leader: silent.host })
  }
}
