import { z } from 'zod'
import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { tolerant } from '../../model/tolerant.js'
import { Election } from '../../store/election.js'
import { keys } from '../../store/keys.js'
import type { Store } from '../../store/store.js'
import type { Leadership } from './committer.js'
import type { ClusterCache } from '../cluster/cache.js'

/*
 * One scheduler leads, the others stand by. A scheduler that slurmctld calls wants to lead, because slurmctld itself moved to
 * its host: it asks for it in the key `leader-wanted`, and the leader resigns when it reads a request that is younger than
 * its own leadership. The leader that resigned does not stand again for a while, so that the one who asked is elected.
 */
const leaseSeconds = 10
const resignedForMs = 10_000

const wantedDocument = tolerant({ v: z.literal(1), host: z.string(), pid: z.int(), at: z.int() })

export interface Candidate {
  host: string
  pid: number
}

export interface LeadershipElection extends Leadership {
  /** Asks the leader to resign and waits until we lead; false when that did not come about in time. */
  become(timeoutMs: number): Promise<boolean>
  close(): Promise<void>
}

export interface LeadershipParts {
  store: Store
  cache: ClusterCache
  candidate: Candidate
  /** Before it resolves nobody stands for election. */
  allowed: Promise<void>
  clock: Clock
  log: Log
  random?: (() => number) | undefined
}

export function standForLeadership({
  store,
  cache,
  candidate,
  allowed,
  clock,
  log,
  random,
}: LeadershipParts): LeadershipElection {
  const waiting = new Set<() => void>()
  const tell = () => {
    cache.announce()
    for (const check of [...waiting]) check()
  }
  let election: Election | undefined
  let closed = false
  void allowed.then(() => {
    if (closed) return
    election = new Election(store, {
      candidate,
      ttlSeconds: leaseSeconds,
      clock,
      log,
      onElected: tell,
      onLost: tell,
      ...(random ? { random } : {}),
    })
  })
  const stopListening = cache.onChange(() => {
    const fence = election?.fence()
    const wanted = cache.leaderWanted
    if (fence === undefined || !wanted || wanted.modRevision <= fence) return
    const parsed = wantedDocument.safeParse(wanted.value)
    if (!parsed.success || isSame(parsed.data, candidate)) return
    log.info('leadership handed over', { to: parsed.data.host })
    void election?.resign(resignedForMs)
  })

  /** A call may come before it is known whose etcd this is. */
  const isAllowedWithin = (timeoutMs: number) =>
    new Promise<boolean>((resolve) => {
      const cancel = clock.after(timeoutMs, () => resolve(false))
      void allowed.then(() => {
        cancel()
        resolve(true)
      })
    })

  const become = async (timeoutMs: number): Promise<boolean> => {
    const deadline = clock.monotonicMs() + timeoutMs
    if (!(await isAllowedWithin(timeoutMs))) return false
    if (election?.fence() !== undefined) return true
    const value = { v: 1, host: candidate.host, pid: candidate.pid, at: clock.unixSeconds() }
    await store.write([], [{ put: keys.leaderWanted, value }])
    log.info('leadership wanted', { leader: election?.leader()?.host })
    return new Promise((resolve) => {
      const end = (leads: boolean) => {
        cancel()
        waiting.delete(check)
        resolve(leads)
      }
      const check = () => {
        if (election?.fence() !== undefined) end(true)
      }
      const cancel = clock.after(deadline - clock.monotonicMs(), () => end(false))
      waiting.add(check)
      check()
    })
  }

  return {
    fence: () => election?.fence(),
    leader: () => election?.leader(),
    become,
    close: async () => {
      closed = true
      stopListening()
      await election?.close()
    },
  }
}

function isSame(a: Candidate, b: Candidate): boolean {
  return a.host === b.host && a.pid === b.pid
}
