import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../lab/common/until.js'
import type { Cluster } from '../../lab/common/interface.js'
import { inBuffer } from '../support/invariants.js'
import type { Random } from '../support/random.js'
import { SlurmAt } from '../support/slurm.js'

/*
 * What users do meanwhile. A fault may cost a job its run: its node or its disks go away. What no fault may do is answered by
 * a job with an exit code of its own: to read back something else than was written.
 */
const corrupt = 42
/** From the end of the last fault. A job that has not ended by then hangs. */
const patienceMs = 5 * 60_000

export interface Work {
  name: string
  /** Resolves with how it went, in a word or two; throws when it went as it must not. */
  go(means: WorkMeans): Promise<string>
}

export interface WorkMeans {
  lab: Cluster
  random: Random
  /** A number that no other work has. */
  number: number
  /** When the last fault that happened so far ended, by `performance.now()`; Infinity during one. */
  calmSince(): number
  count(what: string): void
}

export const works: readonly Work[] = [
  {
    name: 'job with a buffer',
    go: async (means) => endOf(means, await submit(means, ...jobOf(means))),
  },
  {
    name: 'job cancelled',
    go: async (means) => {
      const job = await submit(means, ...jobOf(means), 'sleep 600')
      await pause(means.random.below(8_000))
      await insist(means, ['scancel', job])
      return endOf(means, job)
    },
  },
  {
    name: 'persistent buffer',
    go: async (means) => {
      const name = `soak${means.number}`
      const directive = `#BB create_persistent name=${name} capacity=${1 + means.random.below(3)}TB access=striped type=scratch`
      const made = await endOf(means, await submit(means, directive))
      if (made !== 'completed') return made
      const used = await endOf(
        means,
        await submit(means, `#DW persistentdw name=${name}`, ...writing(`$DW_PERSISTENT_STRIPED_${name}`)),
      )
      if (used === 'completed') await readBack(means, name)
      return endOf(means, await submit(means, `#BB destroy_persistent name=${name}`))
    },
  },
]

/** No whitespace, so that no word of it is Slurm's: written twice, and compared. */
function writing(folder: string): string[] {
  const write = 'head -c 2M /dev/urandom >x && cp x y && sync x y || exit 1'
  return [`cd ${folder} || exit 1`, write, 'sleep 2', `cmp x y; [ $? = 1 ] && exit ${corrupt}`, 'cmp x y']
}

function jobOf({ random }: WorkMeans): string[] {
  const capacity = `${1 + random.below(3)}TB`
  return [
    '#SBATCH --no-requeue',
    `#DW jobdw type=scratch access_mode=striped capacity=${capacity}`,
    ...writing('$DW_JOB_STRIPED'),
  ]
}

/** Read by others than who wrote it, once its hosts are there again. */
async function readBack({ lab, count }: WorkMeans, name: string): Promise<void> {
  const ask = () => inBuffer(lab, name, 'cmp x y && echo same')
  await until(
    { what: `${name} is read back whole`, deadlineMs: patienceMs, seen: ask },
    async () => (await ask()) === 'same',
  )
  count('files read back')
}

async function submit(means: WorkMeans, ...lines: string[]): Promise<string> {
  const slurm = new SlurmAt(means.lab)
  // slurmctld may be the one that is away.
  return until({ what: 'sbatch takes a job', deadlineMs: 120_000 }, () => slurm.submit('alice', ...lines))
}

async function insist({ lab }: WorkMeans, argv: string[]): Promise<void> {
  await until({ what: argv.join(' '), deadlineMs: 120_000 }, async () => (await lab.exec('head', argv)).code === 0)
}

/** How a job ended. Slurm holding it back is an operator's to release; that of a job that a fault has cost is Slurm's answer. */
async function endOf(means: WorkMeans, job: string): Promise<string> {
  const slurm = new SlurmAt(means.lab)
  const start = performance.now()
  for (;;) {
    const shown = await slurm.job(job).catch(() => '')
    const ended = /JobState=(COMPLETED|FAILED|CANCELLED|NODE_FAIL|TIMEOUT)/.exec(shown)?.[1]
    if (ended) {
      if (shown.includes(`ExitCode=${corrupt}:0`))
        throw new Error(`job ${job} read back what it had not written: ${shown}`)
      return ended.toLowerCase()
    }
    if (/ Priority=0 /.test(shown)) {
      means.count('jobs held by Slurm and released')
      await means.lab.exec('head', ['scontrol', 'release', job])
    }
    if (performance.now() - Math.max(start, means.calmSince()) > patienceMs)
      throw new Error(`job ${job} hangs: ${shown}`)
    await pause(1_000)
  }
}
