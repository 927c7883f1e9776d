import { setTimeout as pause } from 'node:timers/promises'
import type { Lab } from '../lab/namespaces/cluster.js'
import { must, withLab } from './cluster.js'
import { type Benchmark, type Figure, median } from './measure.js'

const restMs = 60_000
const watchedMs = 120_000

/** What the daemons use when they are idle. */
export const idle: Benchmark = {
  describe: 'resident memory and CPU of each daemon when it is idle',
  run: (say) =>
    withLab(say, async (lab) => {
      const places: [string, 'agent' | 'scheduler'][] = [
        ['gluster1', 'agent'],
        ['c1', 'agent'],
        ['head', 'scheduler'],
      ]
      say(`resting for ${restMs / 1000} s, then watching for ${watchedMs / 1000} s`)
      await pause(restMs)
      const before = await Promise.all(places.map(([host, service]) => usage(lab, host, service)))
      const memory: number[][] = places.map(() => [])
      for (let at = 0; at < watchedMs; at += watchedMs / 6) {
        await pause(watchedMs / 6)
        for (const [index, [host, service]] of places.entries())
          memory[index]!.push((await usage(lab, host, service)).residentMb)
      }
      const after = await Promise.all(places.map(([host, service]) => usage(lab, host, service)))
      return places.flatMap(([host, service], index): Figure[] => {
        const [from, to] = [before[index]!, after[index]!]
        const share = ((to.cpuSeconds - from.cpuSeconds) / (to.at - from.at)) * 100
        const agent = service === 'agent'
        return [
          {
            what: `${service} on ${host}, resident`,
            value: median(memory[index]!),
            unit: 'MB',
            ...(agent ? { wanted: 'under 80 MB' } : {}),
          },
          { what: `${service} on ${host}, CPU`, value: share, unit: '%', ...(agent ? { wanted: 'under 0.2 %' } : {}) },
        ]
      })
    }),
}

/** CPU time of the program and of the commands that it ran and waited for. */
async function usage(lab: Lab, host: string, service: string) {
  const script = `pid=$(cat /run/lab/${service}.pid); cat /proc/$pid/stat; sed -n 's/^VmRSS: *//p' /proc/$pid/status; cut -d' ' -f1 /proc/uptime; getconf CLK_TCK`
  const [stat, rss, uptime, ticks] = (await must(lab, host, ['sh', '-c', script])).trim().split('\n') as [
    string,
    string,
    string,
    string,
  ]
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [user, system, childUser, childSystem] = fields.slice(11, 15) as [number, number, number, number]
  return {
    cpuSeconds: (user + system + childUser + childSystem) / Number(ticks),
    residentMb: parseInt(rss, 10) / 1024,
    at: Number(uptime),
  }
}
