import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { deviceCount, pool } from '../lab/common/hosts.js'
import { untilNodesAreIdle } from '../lab/common/waitForCluster.js'
import type { Lab } from '../lab/namespaces/cluster.js'
import { must, owner, untilAllFree, withLab } from './cluster.js'
import { deviceTimes, phases } from './deviceTimes.js'
import { type Benchmark, type Figure, median } from './measure.js'
import { usePlane } from './planes.js'

/* Many short jobs with one slot each, through slurmctld: how much of the devices' time they use, and how many end in a second. */

const jobSeconds = 2
const folder = '/home/alice/throughput'
const lookEachMs = 500
const giveUpMs = 1_500_000

export const throughput: Benchmark = {
  describe: `jobs of ${jobSeconds} s with one slot each through Slurm, beside as many without a buffer`,
  run: (say, { planes, jobs, atOnce }) =>
    withLab(say, async (lab) => {
      const devices = deviceCount(lab)
      if (atOnce > devices) throw new Error(`--at-once ${atOnce}: the lab has ${devices} devices`)
      await runAtOnce(lab, atOnce)
      const plain = await secondsOf(lab, jobs)
      say(`${jobs} jobs without a buffer: ${plain.toFixed(1)} s`)
      const figures: Figure[] = []
      for (const plane of planes) {
        await usePlane(lab, plane)
        await cordonAllBut(lab, atOnce)
        const seconds = await secondsOf(
          lab,
          jobs,
          `#DW jobdw type=scratch access_mode=striped capacity=${pool.granularity}`,
        )
        await uncordonAll(lab, atOnce)
        say(`${plane}: ${jobs} jobs: ${seconds.toFixed(1)} s`)
        const times = deviceTimes(logOf(lab)).slice(-jobs)
        figures.push(
          {
            what: `${plane}: jobs that end`,
            value: jobs / seconds,
            unit: '/s',
            against: { what: 'without a buffer', value: jobs / plain },
            ...(plane === 'direct' ? { wanted: 'at least 3 /s' } : {}),
          },
          {
            what: `${plane}: a job has its device, less ${jobSeconds} s`,
            value: median(times.map((job) => phases.reduce((sum, phase) => sum + job[phase], 0))) - jobSeconds,
            unit: 's',
            against: { what: 'without a buffer', value: (plain * atOnce) / jobs - jobSeconds },
            ...(plane === 'direct' ? { wanted: 'at most 4 s' } : {}),
          },
        )
        for (const phase of phases) {
          const share = (100 * times.reduce((sum, job) => sum + job[phase], 0)) / (seconds * atOnce)
          figures.push(
            { what: `${plane}: ${phase}, of a job`, value: median(times.map((job) => job[phase])), unit: 's' },
            { what: `${plane}: ${phase}, of the devices' time`, value: share, unit: '%' },
          )
        }
      }
      return figures
    }),
}

/** So many jobs run at once, with and without a buffer. The scheduler logs each call, from which the times are taken. */
async function runAtOnce(lab: Lab, atOnce: number): Promise<void> {
  const cpus = `s/CPUs=[0-9]*/CPUs=${Math.ceil(atOnce / 2)}/`
  await must(lab, 'head', ['sh', '-c', 'echo "log: { level: debug }" >>/etc/burstbuffer/scheduler.yaml'])
  for (const service of ['slurmctld', 'slurmd'] as const) {
    for (const { name, services } of lab.hosts) {
      if (!services.includes(service)) continue
      await must(lab, name, ['sed', '-i', cpus, '/etc/slurm/slurm.conf'])
      await lab.stopService(name, service)
      await lab.startService(name, service)
    }
  }
  await untilNodesAreIdle(lab, (argv) => lab.exec('head', argv))
}

/** Leaves that many devices, on all hosts alike. */
async function cordonAllBut(lab: Lab, count: number): Promise<void> {
  await untilAllFree(lab)
  for (const place of devicesOf(lab).slice(count)) await bbctl(lab, 'cordon', place, '--reason', 'not measured')
}

async function uncordonAll(lab: Lab, count: number): Promise<void> {
  for (const place of devicesOf(lab).slice(count)) await bbctl(lab, 'uncordon', place)
}

/** The first of each host, then the second of each. */
function devicesOf(lab: Lab): string[] {
  const places = lab.hosts.flatMap(({ name, devices }) => devices.map((device, index) => ({ name, device, index })))
  return places.sort((a, b) => a.index - b.index).map(({ name, device }) => `${name}/${device}`)
}

/** Seconds from the first submission until all jobs have ended, and their buffers are gone. */
async function secondsOf(lab: Lab, jobs: number, directive?: string): Promise<number> {
  const ended = deviceTimes(logOf(lab)).length
  const begin = performance.now()
  const script = ['#!/bin/sh', ...(directive === undefined ? [] : [directive]), `sleep ${jobSeconds}`, 'echo ended', '']
  const submit = `rm -rf ${folder} && mkdir ${folder} && cd ${folder} && printf '${script.join('\\n')}' >job
for n in $(seq ${jobs}); do sbatch --quiet --output=${folder}/%j.out job || exit 1; done`
  const as = ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.uid}`, '--clear-groups']
  await must(lab, 'head', [...as, 'sh', '-ec', submit])
  await untilIt(`${jobs} jobs end`, begin, () => outputsIn(lab) === jobs)
  if (directive !== undefined) {
    await untilIt(`${jobs} buffers are gone`, begin, () => deviceTimes(logOf(lab)).length === ended + jobs)
  }
  return (performance.now() - begin) / 1000
}

/** Looked at from outside of the lab's hosts, which costs them nothing. */
async function untilIt(what: string, beginMs: number, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    if (performance.now() - beginMs > giveUpMs) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, lookEachMs))
  }
}

function outputsIn(lab: Lab): number {
  const path = join(lab.dir, folder)
  return readdirSync(path).filter((name) => name.endsWith('.out') && statSync(join(path, name)).size > 0).length
}

function logOf(lab: Lab): string {
  return readFileSync(join(lab.dir, 'hosts/head/var/log/scheduler.out'), 'utf8')
}

function bbctl(lab: Lab, ...words: string[]): Promise<string> {
  return must(lab, 'head', [process.execPath, '/opt/burstbuffer/dist/cli/bbctl.js', ...words])
}
