import type { InventoryDevice } from '../../src/model/documents/inventory.js'
import type { Cluster } from '../../lab/common/interface.js'
import { until } from '../../lab/common/until.js'

/** A brick as the real parts show it. */
export interface SeenBrick {
  host: string
  device: string
  /** The XFS UUID on the disk. */
  uuid: string
  mounted: boolean
}

/** Asks gluster for a volume's bricks, and their hosts for what is on the disk. */
export async function bricksOf(cluster: Cluster, volume: string): Promise<SeenBrick[]> {
  const { stdout } = await cluster.exec('gluster1', ['gluster', 'volume', 'info', volume])
  const found = [...stdout.matchAll(/^Brick\d+: (\w+):\/data\/glusterfs\/(\w+)\/brick/gm)]
  return Promise.all(
    found.map(async ([, host, device]) => {
      const blkid = ['blkid', '--probe', '--match-tag', 'UUID', '--output', 'value', `/dev/${device}`]
      const uuid = (await cluster.exec(host!, blkid)).stdout.trim()
      const mounted = (await cluster.exec(host!, ['mountpoint', '--quiet', `/data/glusterfs/${device}`])).code === 0
      return { host: host!, device: device!, uuid, mounted }
    }),
  )
}

/** A document of a host's inventory, as its agent last wrote it. */
export async function inventoryOf(cluster: Cluster, host: string): Promise<InventoryDevice[]> {
  const { stdout } = await cluster.exec('head', [
    'etcdctl',
    'get',
    '--print-value-only',
    `/burstbuffer/inventory/${host}`,
  ])
  return (JSON.parse(stdout) as { devices: InventoryDevice[] }).devices
}

export function untilDevice(cluster: Cluster, host: string, name: string, state: string): Promise<InventoryDevice> {
  const look = async () => (await inventoryOf(cluster, host)).find((device) => device.name === name)
  const seen = async () => JSON.stringify(await look())
  return until({ what: `${name} on ${host} is ${state}`, deadlineMs: 120_000, seen }, async () => {
    const device = await look()
    return device?.state === state ? device : undefined
  })
}

export async function keysBelow(cluster: Cluster, prefix: string): Promise<string[]> {
  const { stdout } = await cluster.exec('head', ['etcdctl', 'get', '--prefix', '--keys-only', `/burstbuffer/${prefix}`])
  return stdout.split('\n').filter((key) => key !== '')
}
