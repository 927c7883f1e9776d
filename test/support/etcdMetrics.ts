import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import type { TestEtcd } from './etcd.js'

/** How many messages of that kind of call etcd has received since it started, as it says itself. */
export async function callsOf(etcd: TestEtcd, method: string): Promise<number> {
  const lines = (await metricsOf(etcd)).matchAll(
    new RegExp(`^grpc_server_msg_received_total{grpc_method="${method}".*} (\\S+)$`, 'gm'),
  )
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0)
}

/** By a connection that ends at once, so that those of the store can be counted. */
function metricsOf(etcd: TestEtcd): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`${etcd.url}/metrics`, { agent: false }, (response) => resolve(text(response))).on('error', reject)
  })
}
