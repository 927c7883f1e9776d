import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { OwnedKey } from './owned.js'
import type { Lease, Store } from './store.js'

/** A key that exists as long as this program lives: under a lease that is granted anew, and the key written again, when lost. */
export interface KeptKey {
  /** Resolves when the key was written the first time. */
  readonly written: Promise<void>
  /** Writes another value, now and after every loss of the lease. */
  update(value: object): void
  /** Its lease is being renewed: etcd answers. */
  isHeld(): boolean
  /** Ends it; the key goes with its lease. A program that starts again before that takes the key over, unnoticed. */
  close(): Promise<void>
}

export function keepKey(
  store: Store,
  key: string,
  value: object,
  { ttlSeconds, clock, log }: { ttlSeconds: number; clock: Clock; log: Log },
): KeptKey {
  const owned = new OwnedKey(store, key)
  let current = value
  let lease: Lease | undefined
  let closed = false
  let again = false
  let running = false
  let announce: () => void = () => {}
  const written = new Promise<void>((resolve) => (announce = resolve))

  /** One run at a time; whatever comes meanwhile makes it run once more. */
  const run = async () => {
    again = true
    if (running) return
    running = true
    while (again && !closed) {
      again = false
      try {
        if (!lease?.isHeld()) {
          const granted = await store.lease(ttlSeconds)
          lease = granted
          granted.onLost(() => {
            if (closed) return
            log.warn('lease lost, it will be granted anew', { key })
            void run()
          })
        }
        if (closed) break
        await owned.put(current, lease)
        announce()
      } catch (error) {
        log.warn('key under lease could not be written, trying again', { key, reason: String(error) })
        // A lease that etcd dropped without our knowing makes the write fail: never try it with that one again.
        const old = lease
        lease = undefined
        await old?.revoke()
        again = true
        await new Promise<void>((resolve) => clock.after(1_000, resolve))
      }
    }
    running = false
    if (closed) lease?.letExpire()
  }
  void run()

  /** What an earlier run had sent may arrive late and take the key along with its own lease; or somebody deletes it. */
  const check = async () => {
    if (closed) return
    try {
      if (!running && !(await store.get(key)) && !closed) {
        log.warn('key under lease is gone, it is written again', { key })
        await run()
      }
    } catch (error) {
      log.warn('key under lease could not be looked at', { key, reason: String(error) })
    }
    if (!closed) cancelCheck = clock.after(ttlSeconds * 1000, () => void check())
  }
  let cancelCheck = clock.after(ttlSeconds * 1000, () => void check())

  return {
    written,
    isHeld: () => lease?.isHeld() ?? false,
    update: (next) => {
      current = next
      void run()
    },
    close: () => {
      closed = true
      cancelCheck()
      if (!running) lease?.letExpire()
      return Promise.resolve()
    },
  }
}
