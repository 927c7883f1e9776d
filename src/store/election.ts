import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import { type LeaderDocument, leaderDocument } from '../model/documents/cluster.js'
import { ourLevels } from '../model/levels.js'
import { readDocument } from './documents.js'
import { keys } from './keys.js'
import type { Entry, Lease, Store, Watch } from './store.js'

/** A leader writes its key anew so often, in lifetimes of its lease. */
const beats = 0.5
/** A standby that has not seen the key move for so many lifetimes looks whether its leader is dead. */
const patience = 3

/*
 * Who leads: the one whose lease holds the key `leader`. Its create revision is the fence: every write of the leader
 * compares it, so that a leader that froze and woke up too late changes nothing.
 *
 *   following   the key exists; wait until it goes, or until its leader is seen to be dead
 *   grabbing    it is absent: create it with our lease if it still is
 *   leading     until the lease is lost, the key goes, or we resign; the key is written anew all the while
 *
 * A lease alone does not tell that its owner lives: etcd lets anybody who reaches it renew any lease. So a leader moves its key, and one
 * that stands still for three lifetimes of the lease, on the clock of the standby, is asked to resign; another lifetime
 * later the key is deleted. What the old leader should still write is refused by the fence. Leaders of the first release do
 * not move their key, and are believed.
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
  candidate: Omit<LeaderDocument, 'v' | 'since' | 'documents'>
  ttlSeconds: number
  clock: Clock
  log: Log
  onElected(fence: number): void
  onLost(): void
  random?: () => number
}

export function stand(store: Store, options: ElectionOptions): Election {
  const { clock, log } = options
  let seen: { document: LeaderDocument | undefined; createRevision: number; modRevision: number } | undefined
  let movedAt = clock.monotonicMs()
  let cancelBeat = () => {}
  let synced = false
  let lease: Lease | undefined
  let fence: number | undefined
  let pausedUntil = 0
  let closed = false
  let grabbing = false
  const pauses = new Set<() => void>()

  /** Ends at once when the election is closed. */
  const pass = (ms: number) =>
    new Promise<void>((resolve) => {
      if (closed) return resolve()
      const end = () => {
        cancel()
        pauses.delete(end)
        resolve()
      }
      const cancel = clock.after(ms, end)
      pauses.add(end)
    })

  const lose = (reason: string) => {
    if (fence === undefined) return
    log.warn('leadership lost', { fence, reason })
    fence = undefined
    options.onLost()
  }

  const grab = async () => {
    if (grabbing || closed || !synced || seen || fence !== undefined) return
    const pause = pausedUntil - clock.monotonicMs()
    if (pause > 0) return void pass(pause).then(grab)
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
        seen = seenIn(created)
        beat(value, granted, fence)
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
  /** Moves the key for as long as we lead by this lease. */
  const beat = (value: object, by: Lease, ours: number) => {
    cancelBeat()
    cancelBeat = clock.after(options.ttlSeconds * 1000 * beats, () => {
      if (lease !== by || fence !== ours || !by.isHeld()) return
      store
        .write([{ key: keys.leader, createRevision: ours }], [{ put: keys.leader, value, lease: by }])
        .catch((error: unknown) => log.warn('the leader key could not be written anew', { reason: String(error) }))
        // By then another leadership of ours may have begun, with a beat of its own.
        .finally(() => lease === by && beat(value, by, ours))
    })
  }

  const ttlMs = options.ttlSeconds * 1000
  let cancelLook = () => {}
  const lookAtLeader = () => {
    cancelLook = clock.after(ttlMs, () => {
      const isOverdue = clock.monotonicMs() - movedAt >= patience * ttlMs
      const follows = synced && fence === undefined && seen?.document?.documents !== undefined
      const looked = follows && isOverdue ? depose() : Promise.resolve()
      looked
        .catch((error: unknown) => log.warn('a silent leader could not be looked at', { reason: String(error) }))
        .finally(() => closed || lookAtLeader())
    })
  }

  /** Ends the leadership of one whose lease somebody else keeps alive. */
  const depose = async () => {
    const before = await store.get(keys.leader)
    if (!before || before.modRevision !== seen?.modRevision) return
    const { host, pid } = options.candidate
    // One that lives resigns. Where etcd takes no writes at all, nobody could take over: this throws.
    await store.write([], [{ put: keys.leaderWanted, value: { v: 1, host, pid, at: clock.unixSeconds() } }])
    await pass(ttlMs)
    if (closed || fence !== undefined) return
    const { won } = await store.write(
      [{ key: keys.leader, modRevision: before.modRevision }],
      [{ delete: keys.leader }],
    )
    if (won) log.warn('a dead leader is removed: somebody else keeps its lease alive', { leader: seen?.document?.host })
  }

  const seenIn = (entry: Entry) => {
    movedAt = clock.monotonicMs()
    return { document: read(entry), createRevision: entry.createRevision, modRevision: entry.modRevision }
  }

  const retry = () => pass(500 + (options.random ?? Math.random)() * 500).then(grab)

  const watch: Watch = store.watch(keys.leader, {
    onChanges: (changes) => {
      for (const { key, entry } of changes) {
        if (key !== keys.leader) continue
        seen = entry && seenIn(entry)
        if (fence !== undefined && seen?.createRevision !== fence) {
          const gone = lease
          lease = undefined
          lose(seen ? 'somebody else leads' : 'the leader key is gone')
          void gone?.revoke()
        }
      }
      void grab()
    },
    onConnection: () => {
      movedAt = clock.monotonicMs()
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

  lookAtLeader()

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
      cancelBeat()
      cancelLook()
      for (const end of [...pauses]) end()
      await giveUp('stopping')
      await watch.close()
    },
  }
}
