import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { OwnedKey } from './owned.js'
import type { Lease, Store } from './store.js'
import { checkTransition, type Transitions } from './transitions.js'

/*
 *   writing   the lease is granted, if there is none, and the key is written under it; retried until it succeeds
 *   stale     the same, and a newer value has to be written after it
 *   idle      the key has the current value, under a lease that is renewed until it is gone
 *   closing   closed during a write, which is finished first
 *   closed    the lease expires, and the key is deleted with it
 *
 * INVARIANT: one write at a time.
 */
export type LeasedKeyState = 'writing' | 'stale' | 'idle' | 'closing' | 'closed'

const transitions: Transitions<LeasedKeyState> = {
  writing: ['stale', 'idle', 'closing'],
  stale: ['writing', 'closing'],
  idle: ['writing', 'closed'],
  closing: ['closed'],
  closed: [],
}

const retryMs = 1_000
/** How often the key is read after the time in which it can disappear by itself. */
const checkEveryMs = 60_000

export interface LeasedKeyOptions {
  ttlSeconds: number
  clock: Clock
  log: Log
}

/** A key that exists while this program is alive. When its lease is lost, another is granted and the key is written again. */
export class LeasedKey {
  /** Resolves when the key was written the first time. */
  readonly written: Promise<void>
  private current: LeasedKeyState = 'writing'
  private lease: Lease | undefined
  private readonly owned: OwnedKey
  private announce: () => void = () => {}
  private cancelCheck: () => void = () => {}

  constructor(
    private readonly store: Store,
    private readonly key: string,
    private value: object,
    private readonly options: LeasedKeyOptions,
  ) {
    this.owned = new OwnedKey(store, key)
    this.written = new Promise<void>((resolve) => (this.announce = resolve))
    void this.write()
    this.scheduleCheck()
  }

  /** For logs and tests. */
  get state(): LeasedKeyState {
    return this.current
  }

  /**
   * Writes another value, now and after every loss of the lease. Retried until it succeeds; it never throws.
   */
  update(value: object): void {
    this.value = value
    void this.writeAgain()
  }

  /** True while its lease is renewed, which shows that etcd answers. */
  isHeld(): boolean {
    return this.lease?.isHeld() ?? false
  }

  /** Ends it; the key is deleted when its lease expires. A program that is restarted before that takes over the key unnoticed. */
  close(): Promise<void> {
    this.cancelCheck()
    if (this.current === 'idle') this.end()
    else if (!this.isClosed) this.enter('closing')
    return Promise.resolve()
  }

  private get isClosed(): boolean {
    return this.current === 'closing' || this.current === 'closed'
  }

  private enter(next: LeasedKeyState): void {
    checkTransition(`the key ${this.key}`, transitions, this.current, next)
    this.current = next
  }

  private end(): void {
    this.enter('closed')
    this.lease?.letExpire()
  }

  /** Resolves when the write is done; at once when a write is in progress, which another will follow. */
  private async writeAgain(): Promise<void> {
    if (this.current === 'writing') this.enter('stale')
    if (this.current !== 'idle') return
    this.enter('writing')
    await this.write()
  }

  private async write(): Promise<void> {
    for (;;) {
      await this.writeOnce()
      if (this.current !== 'stale') break
      this.enter('writing')
    }
    if (this.current === 'closing') this.end()
    else this.enter('idle')
  }

  private async writeOnce(): Promise<void> {
    const { clock, log } = this.options
    try {
      const lease = await this.knownLease()
      if (this.isClosed) return
      await this.owned.put(this.value, lease)
      this.announce()
    } catch (error) {
      log.warn('key under lease could not be written, trying again', { key: this.key, reason: String(error) })
      // The write fails if etcd has dropped the lease without our knowing: never use that lease again.
      const old = this.lease
      this.lease = undefined
      await old?.revoke()
      if (this.current === 'writing') this.enter('stale')
      await new Promise<void>((resolve) => clock.after(retryMs, resolve))
    }
  }

  private async knownLease(): Promise<Lease> {
    // One that was not renewed in time may still be there: only etcd knows, and then the key goes on without interruption.
    if (this.lease) return this.lease
    const granted = await this.store.lease(this.options.ttlSeconds, { untilGone: true })
    this.lease = granted
    granted.onLost(() => {
      if (this.lease === granted) this.lease = undefined
      if (this.isClosed) return
      this.options.log.warn('lease lost, another is granted', { key: this.key })
      void this.writeAgain()
    })
    return granted
  }

  /**
   * The key may disappear although its lease is there: a write of an earlier run, which arrived late, has put it under that run's
   * lease, which runs out within its TTL. So the key is read twice in that time; then rarely, because somebody may delete it.
   */
  private scheduleCheck(earlyChecks = 2): void {
    const inMs = earlyChecks > 0 ? this.options.ttlSeconds * 1000 : checkEveryMs
    this.cancelCheck = this.options.clock.after(inMs, () => void this.check(Math.max(0, earlyChecks - 1)))
  }

  private async check(earlyChecks: number): Promise<void> {
    const { log } = this.options
    try {
      if (this.current === 'idle' && !(await this.store.get(this.key)) && !this.isClosed) {
        log.warn('key under lease is gone, it is written again', { key: this.key })
        await this.writeAgain()
      }
    } catch (error) {
      log.warn('key under lease could not be read', { key: this.key, reason: String(error) })
    }
    if (!this.isClosed) this.scheduleCheck(earlyChecks)
  }
}
