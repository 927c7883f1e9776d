import type { Lab } from '../lab/namespaces/cluster.js'
import { installed, must, owner, withLab } from './cluster.js'
import { type Benchmark, type Figure, median, timed } from './measure.js'
import { planes, usePlane } from './planes.js'

/* A job with one slot on one node, in the calls that slurmctld makes for it. */

const calls = ['setup', 'data_in', 'paths', 'pre_run', 'post_run', 'data_out', 'teardown'] as const
type Call = (typeof calls)[number]

/** In seconds; Slurm's own work is between them. */
const wanted: Partial<Record<Call, number>> = { setup: 0.35, pre_run: 0.2, teardown: 0.3 }

const script = '/run/bench.job'
const nodes = '/run/bench.nodes'

export const job: Benchmark = {
  describe: 'the calls of a job with one slot on one node, of each data plane',
  run: (say, { rounds }) =>
    withLab(say, async (lab) => {
      const figures: Figure[] = []
      for (const plane of planes) {
        await usePlane(lab, plane)
        const times = new Map<Call, number[]>(calls.map((call) => [call, []]))
        await runJob(lab, '1')
        for (let round = 0; round < rounds; round++) {
          for (const [call, ms] of await runJob(lab, String(2 + round))) times.get(call)!.push(ms)
        }
        say(`${plane}: ${rounds} jobs`)
        for (const [call, all] of times) {
          const limit = wanted[call]
          figures.push({
            what: `${plane}: ${call}`,
            value: median(all) / 1000,
            unit: 's',
            ...(limit === undefined ? {} : { wanted: `at most ${limit} s` }),
          })
        }
      }
      return figures
    }),
}

/** The milliseconds of each call. `during`: what the job does on its node. */
export async function runJob(lab: Lab, token: string, during = async () => {}): Promise<Map<Call, number>> {
  const directive = '#DW jobdw type=scratch access_mode=striped capacity=1TB'
  const files = `printf '#!/bin/sh\\n${directive}\\n' >${script}; echo c1 >${nodes}; chmod 644 ${script} ${nodes}`
  await must(lab, 'head', ['sh', '-c', files])
  const user = ['--user', String(owner.uid), '--groupid', String(owner.uid)]
  const more: Partial<Record<Call, string[]>> = {
    setup: ['--caller', 'SLURM', ...user, '--capacity', 'dedicated_nvme:1TB'],
    paths: ['--pathfile', '/run/burstbuffer/bench.paths'],
    pre_run: ['--nodehostnamefile', nodes],
  }
  const times = new Map<Call, number>()
  for (const call of calls) {
    const argv = ['--function', call, '--token', token, '--job', script, ...(more[call] ?? [])]
    times.set(call, await timed(() => must(lab, 'head', [`${installed}/dw_wlm_cli`, ...argv])))
    if (call === 'pre_run') await during()
  }
  return times
}
