import type { Clock } from '../../daemon/clock.js'
import type { ClusterCache } from '../cluster/cache.js'
import { countsOf } from '../desired/index.js'

/** Bytes a second of a session's transfer; undefined when there are not enough samples. */
export type RateOf = (sessionId: number, number: number) => number | undefined

interface Sample {
  atMs: number
  bytes: number
  attempt: number
}

const windowMs = 60_000
const sampleMs = 1_000

/** How fast transfers are copied, by the reports of the last minute. It is only shown, not written to a document. */
export class TransferRates {
  private readonly samples = new Map<string, Sample[]>()

  constructor(
    private readonly cache: ClusterCache,
    private readonly clock: Clock,
  ) {}

  /** To be called for every report that changed, with its key `<session id>.<number>`. */
  note(id: string): void {
    const [sessionId, number] = id.split('.').map(Number)
    const key = this.cache.index.sessionKey(sessionId!)
    const session = key === undefined ? undefined : this.cache.sessions.get(key)
    const transfer = session?.transfers?.find((transfer) => transfer.number === number)
    const counts = session && transfer && !transfer.ended ? countsOf(this.cache, session, transfer) : undefined
    if (!counts || !transfer) return void this.samples.delete(id)
    const sample = { atMs: this.clock.monotonicMs(), bytes: counts.bytes, attempt: transfer.attempt }
    const before = this.samples.get(id) ?? []
    const isOtherRun = before.some(({ attempt, bytes }) => attempt !== sample.attempt || bytes > sample.bytes)
    const recent = isOtherRun ? [] : before.filter(({ atMs }) => sample.atMs - atMs <= windowMs)
    // At most one sample a second, however many hosts report: reports of thirty hosts would fill the list in three seconds.
    const [last, previous] = [recent.at(-1), recent.at(-2)]
    if (last && previous && last.atMs - previous.atMs < sampleMs) recent.pop()
    this.samples.set(id, [...recent, sample])
  }

  readonly rateOf: RateOf = (sessionId, number) => {
    const samples = this.samples.get(`${sessionId}.${number}`) ?? []
    const [first, last] = [samples[0], samples.at(-1)]
    if (!first || !last || last.atMs === first.atMs) return undefined
    return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs)
  }
}
