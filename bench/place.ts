import type { Cluster } from '../src/model/cluster.js'
import { emptyCluster } from '../src/model/cluster.js'
import { placeBricks } from '../src/scheduler/placement/place.js'
import { type Benchmark, type Figure, median } from './measure.js'

const hosts = 500
const devicesEach = 24
const pool = 'dedicated_nvme'
const granularityBytes = 1e12
const rounds = 20

/** Ten thousand bricks in one placement, and the largest buffer that is admitted, among 12,000 devices; CPU time. */
export const place: Benchmark = {
  describe: `CPU of placing 10,000 and 300 bricks among ${hosts * devicesEach} devices, cold and warm`,
  run: () => {
    const cluster = aLargeCluster()
    const figures = [10_000, 300].flatMap((count): Figure[] => {
      const [first, ...later] = Array.from({ length: rounds }, () => cpuMs(() => placed(cluster, count)))
      const what = `${count} bricks`
      return [
        { what: `${what}, first`, value: first!, unit: 'ms', wanted: 'under 50 ms' },
        { what: `${what}, later`, value: median(later), unit: 'ms', wanted: 'under 50 ms' },
      ]
    })
    return Promise.resolve(figures)
  },
}

function placed(cluster: Cluster, count: number): void {
  let uuids = 0
  const result = placeBricks(cluster, { pool, granularityBytes, count }, () => String(uuids++))
  if ('refused' in result) throw new Error(result.refused)
}

function cpuMs(act: () => void): number {
  const before = process.cpuUsage()
  act()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

function aLargeCluster(): Cluster {
  const names = Array.from({ length: hosts }, (_, index) => `gluster${index + 1}`)
  return {
    ...emptyCluster(),
    hosts: new Map(
      names.map((host) => [host, { v: 1, host, roles: ['storage'], addresses: [host], versions: {}, startedAt: 1 }]),
    ),
    inventories: new Map(
      names.map((host) => [host, { v: 1, host, devices: Array.from({ length: devicesEach }, device) }]),
    ),
  }
}

function device(_: unknown, index: number) {
  const name = `nvme${index}n1`
  const state = 'blank' as const
  return { name, path: `/dev/${name}`, pool, identity: `serial:${index}`, sizeBytes: granularityBytes, state }
}
