import type { StatusView } from '../../model/api.js'
import { printRounded } from '../../model/capacity.js'
import type { Clock } from '../../daemon/clock.js'
import type { Store, Usage } from '../../store/store.js'

/** An answer younger than this is shown again. */
const freshMs = 5_000
/** The share of its quota from which the database is a problem: writes are refused at the whole of it. */
const worryingShare = 0.5

/** How full etcd's database is, asked when somebody wants to see it. */
export class EtcdUsage {
  private latest: { usage: Usage; atMs: number } | undefined

  constructor(
    private readonly store: Store,
    private readonly quotaBytes: number,
    private readonly clock: Clock,
  ) {}

  /** As asked last; null before that. */
  view(): StatusView['etcd'] {
    return this.latest ? { ...this.latest.usage, quotaBytes: this.quotaBytes } : null
  }

  /** Asks anew. What was known stays when etcd does not answer. */
  async refresh(): Promise<void> {
    if (this.latest && this.clock.monotonicMs() - this.latest.atMs < freshMs) return
    const usage = await this.store.usage().catch(() => undefined)
    if (usage) this.latest = { usage, atMs: this.clock.monotonicMs() }
  }
}

/** What of it an operator should look at. */
export function etcdProblems(etcd: StatusView['etcd'], endpoints: readonly string[]): string[] {
  const plain = endpoints.filter((endpoint) => endpoint.startsWith('http://'))
  return [
    ...(plain.length > 0
      ? [`etcd is reached without TLS (${plain.join(', ')}): whoever is on the network can read and change everything`]
      : []),
    ...(etcd ? problemsOfSize(etcd) : []),
  ]
}

function problemsOfSize({ sizeBytes, inUseBytes, quotaBytes, isFull }: NonNullable<StatusView['etcd']>): string[] {
  const remedy = inUseBytes < sizeBytes / 2 ? 'run etcdctl defrag on each member' : 'look for who else writes there'
  const figures = `${printRounded(sizeBytes)} of ${printRounded(quotaBytes)}, ${printRounded(inUseBytes)} of them in use`
  if (isFull) return [`etcd is out of space: compact, defragment and disarm its alarm (${figures})`]
  return sizeBytes >= quotaBytes * worryingShare ? [`etcd's database is filling up (${figures}): ${remedy}`] : []
}
