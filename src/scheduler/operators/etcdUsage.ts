import type { StatusView } from '../../model/api.js'
import type { Clock } from '../../daemon/clock.js'
import type { Store, Usage } from '../../store/store.js'
import * as messages from './messages.js'

/** An answer younger than this is shown again. */
const freshMs = 5_000
/** From this share of its quota on, the database's size is a problem: etcd refuses writes at the full quota. */
const worryingShare = 0.5

/** How full etcd's database is. It is asked when somebody wants to see it. */
export class EtcdUsage {
  private latest: { usage: Usage; atMs: number } | undefined

  constructor(
    private readonly store: Store,
    private readonly quotaBytes: number,
    private readonly clock: Clock,
  ) {}

  /** The last answer; null before the first. */
  view(): StatusView['etcd'] {
    return this.latest ? { ...this.latest.usage, quotaBytes: this.quotaBytes } : null
  }

  /** Asks again. The last answer stays when etcd does not answer. */
  async refresh(): Promise<void> {
    if (this.latest && this.clock.monotonicMs() - this.latest.atMs < freshMs) return
    const usage = await this.store.usage().catch(() => undefined)
    if (usage) this.latest = { usage, atMs: this.clock.monotonicMs() }
  }
}

/** What an operator should look at. */
export function etcdProblems(etcd: StatusView['etcd'], endpoints: readonly string[]): string[] {
  const plain = endpoints.filter((endpoint) => endpoint.startsWith('http://'))
  return [...(plain.length > 0 ? [messages.etcdWithoutTls(plain)] : []), ...(etcd ? problemsOfSize(etcd) : [])]
}

function problemsOfSize(etcd: NonNullable<StatusView['etcd']>): string[] {
  const { sizeBytes, inUseBytes, quotaBytes, isFull } = etcd
  if (isFull) return [messages.etcdIsFull(etcd)]
  if (sizeBytes < quotaBytes * worryingShare) return []
  return [inUseBytes < sizeBytes / 2 ? messages.etcdNeedsDefrag(etcd) : messages.etcdFillsUp(etcd)]
}
