import type { Cluster, MountCounts } from '../../src/model/cluster.js'

/** How far a session is with its mounts, by counting all reports. */
export function countMounts({ desired, observed }: Cluster, session: number): MountCounts {
  const isOf = (key: string) => key.split('/')[1]!.startsWith(`${session}.`)
  const mounts = [...observed.mount].filter(([key]) => isOf(key)).map(([, report]) => report)
  const swaps = [...observed.swap].filter(([key]) => isOf(key)).map(([, report]) => report)
  const known = new Set([...desired.mount.keys(), ...observed.mount.keys()].filter(isOf))
  const left = [...known].filter((key) => observed.mount.get(key)?.state !== 'absent')
  const placeOf = (key: string) => ({ host: key.split('/')[0]!, buffer: Number(key.split('.')[1]) })
  return {
    mounted: mounts.filter((report) => report.state === 'mounted').length,
    swapping: swaps.filter((report) => report.state === 'on').length,
    problems: [...mounts, ...swaps].filter(({ problem }) => problem?.terminal).length,
    left: new Map(left.map((key) => [key, placeOf(key)])),
  }
}
