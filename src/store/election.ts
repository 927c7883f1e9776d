import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { type LeaderDocument, leaderDocument } from '../model/documents.js'
import { ourLevels } from '../model/levels.js'
import { readDocument } from './documents.js'
import { keys } from './keys.js'
import type { Lease, Store, Watch } from './store.js'

/*
 * Who leads: the one whose lease holds the key `leader`. Its create revision is the fence: every write of the leader
 * compares it, so that a leader that froze and woke up too late changes nothing.
 *
 *   following   the key exists; wait until it goes
 *   grabbing    it is absent: create it with our lease if it still is
 *   leading     until the lease is lost, the key goes, or we resign
 */
export interface Election {
  /** Our fence while we lead and our lease is held. */
  fence(): number | undefined
  /** Who leads, as last seen in etcd. */
  leader(): LeaderDocument | undefined
  /** Gives leadership up and does not stand again for `pauseMs`. */
  resign(pauseMs: number): Promise<void>
  close(): Promise<void>
}

export interface ElectionOptions {
  candidate: Omit<LeaderDocument, 'v' | 'since'>
  ttlSeconds: number
  clock: Clock
  log: Log
  onElected(fence: number): void
  onLost(): void
  random?: () => number
}

export function stand(store: Store, options: ElectionOptions): Election {
  const { clock, log } = options
  let seen: { document: LeaderDocument | undefined; createRevision: number } | undefined
  let synced = false
  let lease: Lease | undefined
  let fence: number | undefined
  let pausedUntil = 0
  let closed = false
  let grabbing = false

  const lose = (reason: string) => {
    if (fence === undefined) return
    log.warn('leadership lost', { fence, reason })
    fence = undefined
    options.onLost()
  }

  const grab = async () => {
    if (grabbing || closed || !synced || seen || fence !== undefined) return
    const pause = pausedUntil - clock.monotonicMs()
    if (pause > 0) return void clock.after(pause, () => void grab())
    grabbing = true
    let granted: Lease | undefined
    try {
      granted = await store.lease(options.ttlSeconds)
      const value = { v: 1, since: clock.unixSeconds(), documents: ourLevels, ...options.candidate }
      const result = await store.write(
        [{ key: keys.leader, modRevision: 0 }],
        [{ put: keys.leader, value, lease: granted }],
      )
      const created = result.won ? await store.get(keys.leader) : undefined
      if (!created || JSON.stringify(created.value) !== JSON.stringify(value) || !granted.isHeld() || closed) {
        await granted.revoke()
        // The key may have come and gone meanwhile, and whatever the watch told of it was passed over.
        void retry()
      } else {
        lease = granted
        fence = created.createRevision
        seen = { document: read(created), createRevision: created.createRevision }
        log.info('elected to lead', { fence })
        granted.onLost(() => {
          lose('the lease was not renewed in time')
          if (!closed) void retry()
        })
        options.onElected(fence)
      }
    } catch (error) {
      log.warn('standing for election failed, trying again', { reason: String(error) })
      // The key may have been written all the same: a lease that is kept alive would keep it for ever, with nobody leading.
      await granted?.revoke()
      void retry()
    } finally {
      grabbing = false
    }
  }
  const retry = () => clock.after(500 + (options.random ?? Math.random)() * 500, () => void grab())

  const watch: Watch = store.watch(keys.leader, {
    onChanges: (changes) => {
      for (const { key, entry } of changes) {
        if (key !== keys.leader) continue
        seen = entry && { document: read(entry), createRevision: entry.createRevision }
        if (fence !== undefined && seen?.createRevision !== fence) {
          const gone = lease
          lease = undefined
          lose(seen ? 'somebody else leads' : 'the leader key is gone')
          void gone?.revoke()
        }
      }
      void grab()
    },
    onSynced: () => {
      synced = true
      void grab()
    },
  })

  const read = (entry: Parameters<typeof readDocument>[0]) => {
    const result = readDocument(entry, leaderDocument)
    return 'document' in result ? result.document : undefined
  }

  const giveUp = async (reason: string) => {
    lose(reason)
    const old = lease
    lease = undefined
    await old?.revoke()
  }

  return {
    fence: () => (lease?.isHeld() ? fence : undefined),
    leader: () => seen?.document,
    resign: async (pauseMs) => {
      pausedUntil = clock.monotonicMs() + pauseMs
      await giveUp('resigned')
    },
    close: async () => {
      closed = true
      await giveUp('stopping')
      await watch.close()
    },
  }
}
