import { setTimeout as pause } from 'node:timers/promises'
import type { Lab } from '../lab/namespaces/cluster.js'
import { must, withLab } from './cluster.js'
import { runJob } from './job.js'
import { type Benchmark, type Figure, median } from './measure.js'
import { planes, usePlane } from './planes.js'

const restMs = 60_000
const watchedMs = 120_000

/** What the daemons use when they are idle, and what the processes of a job's buffer have come to use. */
export const idle: Benchmark = {
  describe:
    "resident memory and CPU of each daemon when it is idle, and memory of GlusterFS's processes of each data plane",
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
      const daemons = places.flatMap(([host, service], index): Figure[] => {
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
      return [...daemons, ...(await memoryOfBuffers(lab))]
    }),
}

/** Of one job of each data plane, which has written and read 200 files of 1 MB. */
async function memoryOfBuffers(lab: Lab): Promise<Figure[]> {
  const figures: Figure[] = []
  const files =
    'cd /mnt/burstbuffer/*/striped && for n in $(seq 200); do dd if=/dev/zero of=$n bs=1M count=1 status=none; done && cat * >/dev/null'
  for (const plane of planes) {
    await usePlane(lab, plane)
    await runJob(lab, '1', async () => {
      await must(lab, 'c1', ['sh', '-c', files])
      const brick = { what: `${plane}: glusterfsd of a brick, resident`, unit: 'MB' }
      figures.push(
        {
          ...brick,
          value: await residentMb(lab, ['gluster1', 'gluster2', 'gluster3'], 'glusterfsd'),
          wanted: 'at most 15 MB',
        },
        {
          ...brick,
          what: `${plane}: glusterfs of a mount, resident`,
          value: await residentMb(lab, ['c1'], 'glusterfs'),
        },
      )
    })
  }
  return figures
}

/** Of the one process of that name on these hosts. */
async function residentMb(lab: Lab, hosts: readonly string[], program: string): Promise<number> {
  const script = `for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = ${program} ] && sed -n 's/^VmRSS: *//p' $p/status; done; true`
  const found = await Promise.all(hosts.map((host) => must(lab, host, ['sh', '-c', script])))
  const lines = found.join('').trim().split('\n')
  if (lines.length !== 1) throw new Error(`expected one ${program}, found ${lines.length}`)
  return parseInt(lines[0]!, 10) / 1024
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
