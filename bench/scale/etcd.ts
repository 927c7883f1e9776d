import { etcdFlags } from '../../src/standalone/etcd.js'
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

  async counts(): Promise<EtcdCounts> {
    const lines = (await (await fetch(`${this.endpoint}/metrics`)).text()).split('\n')
    const counted = (name: string) =>
      lines
        .filter((line) => line.startsWith(name))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    return Object.fromEntries(
      Object.entries(metrics).map(([what, name]) => [what, counted(name)]),
    ) as unknown as EtcdCounts
  }

  /** How many of our keys there are with that prefix. */
  async countBelow(prefix: string): Promise<number> {
    const key = Buffer.from(`/burstbuffer/${prefix}`)
    const end = Buffer.from(key)
    end[end.length - 1]!++
    const body = { key: key.toString('base64'), range_end: end.toString('base64'), count_only: true }
    const answer = await fetch(`${this.endpoint}/v3/kv/range`, { method: 'POST', body: JSON.stringify(body) })
    return Number(((await answer.json()) as { count?: string }).count ?? 0)
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
