import { z } from 'zod'
import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import type { LeaderDocument } from '../../model/documents/cluster.js'
import { tolerant } from '../../model/tolerant.js'
import { Election } from '../../store/election.js'
import { keys } from '../../store/keys.js'
import type { Store } from '../../store/store.js'
import { checkTransition, type Transitions } from '../../store/transitions.js'
import type { Leadership } from './committer.js'
import type { ClusterCache } from '../cluster/cache.js'

/*
 * One scheduler leads, the others are standbys. A scheduler that slurmctld calls wants to lead, because slurmctld has moved to its
 * host: it writes a request to the key `leader-wanted`, and the leader resigns when it reads a request that is younger than its
 * own leadership. A leader that resigned does not become a candidate for a while, so that the requesting scheduler is elected.
 */
const leaseSeconds = 10
const resignedForMs = 10_000

const wantedDocument = tolerant({ v: z.literal(1), host: z.string(), pid: z.int(), at: z.int() })

export interface Candidate {
  host: string
  pid: number
}

export interface LeadershipParts {
  store: Store
  cache: ClusterCache
  candidate: Candidate
  /** The election begins when this resolves. */
  allowed: Promise<void>
  clock: Clock
  log: Log
  random?: (() => number) | undefined
}

type State =
  /** Until the name of etcd's cluster is confirmed. */
  { name: 'waiting' } | { name: 'candidate'; election: Election } | { name: 'closed' }

const transitions: Transitions<State['name']> = {
  waiting: ['candidate', 'closed'],
  candidate: ['closed'],
  closed: ['closed'],
}

/** This scheduler's part in the election. */
export class LeadershipElection implements Leadership {
  private state: State = { name: 'waiting' }
  /** Called when our leadership may have changed. */
  private readonly checks = new Set<() => void>()
  private readonly stopListening: () => void

  constructor(private readonly parts: LeadershipParts) {
    void parts.allowed.then(() => this.stand())
    this.stopListening = parts.cache.onChange(() => this.resignIfAsked())
  }

  fence(): number | undefined {
    return this.election?.fence()
  }

  leader(): LeaderDocument | undefined {
    return this.election?.leader()
  }

  /** Asks the leader to resign and waits until we lead; false when that did not succeed in time. */
  async become(timeoutMs: number): Promise<boolean> {
    const { store, candidate, clock, log } = this.parts
    const deadline = clock.monotonicMs() + timeoutMs
    if (!(await this.isAllowedWithin(timeoutMs))) return false
    if (this.fence() !== undefined) return true
    const value = { v: 1, host: candidate.host, pid: candidate.pid, at: clock.unixSeconds() }
    await store.write([], [{ put: keys.leaderWanted, value }])
    log.info('leadership wanted', { leader: this.leader()?.host })
    return this.leadsBefore(deadline)
  }

  async close(): Promise<void> {
    const { election } = this
    this.enter({ name: 'closed' })
    this.stopListening()
    await election?.close()
  }

  private get election(): Election | undefined {
    return this.state.name === 'candidate' ? this.state.election : undefined
  }

  private stand(): void {
    if (this.state.name === 'closed') return
    const { store, candidate, clock, log, random } = this.parts
    const tell = () => this.tell()
    const options = { candidate, ttlSeconds: leaseSeconds, clock, log, onElected: tell, onLost: tell }
    this.enter({ name: 'candidate', election: new Election(store, { ...options, ...(random ? { random } : {}) }) })
  }

  private enter(state: State): void {
    checkTransition('the election', transitions, this.state.name, state.name)
    this.state = state
  }

  private tell(): void {
    this.parts.cache.announce()
    for (const check of [...this.checks]) check()
  }

  private resignIfAsked(): void {
    const { cache, candidate, log } = this.parts
    const fence = this.fence()
    const wanted = cache.leaderWanted
    if (fence === undefined || !wanted || wanted.modRevision <= fence) return
    const parsed = wantedDocument.safeParse(wanted.value)
    if (!parsed.success || isSame(parsed.data, candidate)) return
    log.info('leadership handed over', { to: parsed.data.host })
    void this.election?.resign(resignedForMs)
  }

  /** A call may come before the name of etcd's cluster is confirmed. */
  private isAllowedWithin(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.parts.clock.after(timeoutMs, () => resolve(false))
      void this.parts.allowed.then(() => {
        cancel()
        resolve(true)
      })
    })
  }

  private leadsBefore(deadline: number): Promise<boolean> {
    const { clock } = this.parts
    return new Promise((resolve) => {
      const end = (leads: boolean) => {
        cancel()
        this.checks.delete(check)
        resolve(leads)
      }
      const check = () => {
        if (this.fence() !== undefined) end(true)
      }
      const cancel = clock.after(deadline - clock.monotonicMs(), () => end(false))
      this.checks.add(check)
      check()
    })
  }
}

function isSame(a: Candidate, b: Candidate): boolean {
  return a.host === b.host && a.pid === b.pid
}
