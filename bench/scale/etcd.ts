import { etcdFlags } from '../../src/standalone/etcd.js'
import { keys } from '../../src/store/keys.js'
import { until } from '../../lab/common/until.js'
import { freePort } from '../../test/support/etcd.js'
import { MeasuredProcess } from './process.js'

/** What etcd has counted since it started. */
export interface EtcdCounts {
  transactions: number
  puts: number
  deletes: number
  leasesGranted: number
  databaseBytes: number
  keys: number
}

const metrics: Record<keyof EtcdCounts, string> = {
  transactions: 'grpc_server_handled_total{grpc_code="OK",grpc_method="Txn"',
  puts: 'etcd_mvcc_put_total',
  deletes: 'etcd_mvcc_delete_total',
  leasesGranted: 'etcd_debugging_lease_granted_total',
  databaseBytes: 'etcd_mvcc_db_total_size_in_bytes',
  keys: 'etcd_debugging_mvcc_keys_total',
}

/** A real etcd on loopback, that can be killed and started again with its data. */
export class MeasuredEtcd {
  process: MeasuredProcess

  private constructor(
    readonly endpoint: string,
    private readonly flags: string[],
  ) {
    this.process = this.begin()
  }

  static async start(directory: string): Promise<MeasuredEtcd> {
    const [client, peer] = [await freePort(), await freePort()]
    const endpoint = `http://127.0.0.1:${client}`
    const etcd = new MeasuredEtcd(
      endpoint,
      etcdFlags({ directory, client: endpoint, peer: `http://127.0.0.1:${peer}` }),
    )
    await etcd.serves()
    return etcd
  }

  async restart(): Promise<void> {
    this.process = this.begin()
    await this.serves()
  }

  /** Without the writes of the leader's key, which shows again and again that the leader is alive. */
  async counts(): Promise<EtcdCounts> {
    const lines = (await (await fetch(`${this.endpoint}/metrics`)).text()).split('\n')
    const counted = (name: string) =>
      lines
        .filter((line) => line.startsWith(name))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    const all = Object.fromEntries(
      Object.entries(metrics).map(([what, name]) => [what, counted(name)]),
    ) as unknown as EtcdCounts
    const { kvs = [] } = await this.range({ key: keyOf(keys.leader) })
    const written = Number(kvs[0]?.version ?? 0)
    return { ...all, transactions: all.transactions - written, puts: all.puts - written }
  }

  /** How many of our keys there are with that prefix. */
  async countBelow(prefix: string): Promise<number> {
    const end = Buffer.from(keyOf(prefix), 'base64')
    end[end.length - 1]!++
    const { count = 0 } = await this.range({ key: keyOf(prefix), range_end: end.toString('base64'), count_only: true })
    return Number(count)
  }

  private async range(body: object): Promise<{ count?: string; kvs?: { version: string }[] }> {
    const answer = await fetch(`${this.endpoint}/v3/kv/range`, { method: 'POST', body: JSON.stringify(body) })
    return (await answer.json()) as { count?: string; kvs?: { version: string }[] }
  }

  private begin(): MeasuredProcess {
    return new MeasuredProcess('etcd', 'etcd', this.flags, { stdio: 'ignore' })
  }

  private async serves(): Promise<void> {
    await until({ what: 'etcd serves', deadlineMs: 30_000 }, async () => {
      const answer = await fetch(`${this.endpoint}/health`).catch(() => undefined)
      return answer?.ok === true && (await answer.text()).includes('"true"') ? true : undefined
    })
  }
}

function keyOf(key: string): string {
  return Buffer.from(`/burstbuffer/${key}`).toString('base64')
}
