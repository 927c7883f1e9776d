import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { OwnedKey } from './owned.js'
import type { Lease, Store } from './store.js'
import { checkTransition, type Transitions } from './transitions.js'

/*
 *   writing   the lease is granted, if it is not held, and the key is put under it; tried again until that has worked
 *   stale     the same, and something came meanwhile that has to be written after it
 *   idle      the key says what it should, under a lease that is held
 *   closing   closed while a write was under way, which comes to its end first
 *   closed    the lease runs out, and the key goes with it
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

export interface LeasedKeyOptions {
  ttlSeconds: number
  clock: Clock
  log: Log
}

/** A key that exists as long as this program lives: under a lease that is granted anew, and the key written again, when lost. */
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
   * Writes another value, now and after every loss of the lease. Tried again until it has worked: nothing is thrown.
   */
  update(value: object): void {
    this.value = value
    void this.writeAgain()
  }

  /** Its lease is being renewed: etcd answers. */
  isHeld(): boolean {
    return this.lease?.isHeld() ?? false
  }

  /** Ends it; the key goes with its lease. A program that starts again before that takes the key over, unnoticed. */
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

  /** Resolves when the write that it begins is done; at once, when one is under way, which will be followed by another. */
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
      const lease = await this.heldLease()
      if (this.isClosed) return
      await this.owned.put(this.value, lease)
      this.announce()
    } catch (error) {
      log.warn('key under lease could not be written, trying again', { key: this.key, reason: String(error) })
      // A lease that etcd dropped without our knowing makes the write fail: never try it with that one again.
      const old = this.lease
      this.lease = undefined
      await old?.revoke()
      if (this.current === 'writing') this.enter('stale')
      await new Promise<void>((resolve) => clock.after(retryMs, resolve))
    }
  }

  private async heldLease(): Promise<Lease> {
    if (this.lease?.isHeld()) return this.lease
    const granted = await this.store.lease(this.options.ttlSeconds)
    this.lease = granted
    granted.onLost(() => {
      if (this.isClosed) return
      this.options.log.warn('lease lost, it will be granted anew', { key: this.key })
      void this.writeAgain()
    })
    return granted
  }

  private scheduleCheck(): void {
    this.cancelCheck = this.options.clock.after(this.options.ttlSeconds * 1000, () => void this.check())
  }

  /** What an earlier run had sent may arrive late and take the key along with its own lease; or somebody deletes it. */
  private async check(): Promise<void> {
    const { log } = this.options
    try {
      if (this.current === 'idle' && !(await this.store.get(this.key)) && !this.isClosed) {
        log.warn('key under lease is gone, it is written again', { key: this.key })
        await this.writeAgain()
      }
    } catch (error) {
      log.warn('key under lease could not be looked at', { key: this.key, reason: String(error) })
    }
    if (!this.isClosed) this.scheduleCheck()
  }
}
