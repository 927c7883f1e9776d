import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { keys } from './keys.js'
import type { Pauses } from './pauses.js'
import type { Store } from './store.js'

/** A standby that has not seen the key move for so many lifetimes of the lease looks whether its leader is dead. */
const patience = 3

export interface SilentLeaderParts {
  store: Store
  ttlMs: number
  clock: Clock
  log: Log
  pauses: Pauses
  /** Who asks a leader to resign. */
  candidate: { host: string; pid: number }
  /** The leader that we follow, if it is one that moves its key; undefined when we follow none. */
  followed: () => { host: string; modRevision: number } | undefined
}

/**
 * A lease alone does not tell that its owner lives: etcd lets anybody who reaches it renew any lease. So a leader moves its
 * key, and one that stands still for three lifetimes of the lease, on the clock of the standby, is asked to resign; another
 * lifetime later the key is deleted. What the old leader should still write is refused by the fence.
 */
export class SilentLeader {
  private movedAt: number
  private cancel: () => void = () => {}
  private isClosed = false

  /** Looks from now on, until it is closed. */
  constructor(private readonly parts: SilentLeaderParts) {
    this.movedAt = parts.clock.monotonicMs()
    this.schedule()
  }

  /** The key has moved, or could not have been seen to move. */
  moved(): void {
    this.movedAt = this.parts.clock.monotonicMs()
  }

  /** Looks no more; the pauses are closed by whom they belong to. */
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
        .catch((error: unknown) => log.warn('a silent leader could not be looked at', { reason: String(error) }))
        .finally(() => this.isClosed || this.schedule())
    })
  }

  /** Ends the leadership of one whose lease somebody else keeps alive. */
  private async depose(): Promise<void> {
    const { store, clock, log, pauses, candidate, followed, ttlMs } = this.parts
    const before = await store.get(keys.leader)
    if (!before || before.modRevision !== followed()?.modRevision) return
    const { host, pid } = candidate
    // One that lives resigns. Where etcd takes no writes at all, nobody could take over: this throws.
    await store.write([], [{ put: keys.leaderWanted, value: { v: 1, host, pid, at: clock.unixSeconds() } }])
    await pauses.wait(ttlMs)
    const silent = followed()
    if (!silent) return
    const { won } = await store.write(
      [{ key: keys.leader, modRevision: before.modRevision }],
      [{ delete: keys.leader }],
    )
    if (won) log.warn('a dead leader is removed: somebody else keeps its lease alive', { leader: silent.host })
  }
}
