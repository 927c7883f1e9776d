import { parseBurstBuffer, showBurstBuffer, type ShownSystem } from '../../lab/demo/slurm.js'
import type { Cluster, Result } from '../../lab/common/interface.js'
import { until } from '../../lab/common/until.js'

const minutes = 60_000

/** What slurmctld runs. */
export const shim = '/opt/burstbuffer/dist/bin/dw_wlm_cli'

/** What a test says to the lab's Slurm and sees of it. */
export class SlurmAt {
  constructor(private readonly cluster: Cluster) {}

  /** Submits a script of these lines, as a user would. */
  sbatch(user: string, ...lines: string[]): Promise<Result> {
    const input = ['#!/bin/bash', ...lines, ''].join('\n')
    return this.cluster.exec('head', ['sbatch', '--parsable', '--output=/dev/null'], { user, input })
  }

  /** Submits a script that Slurm must take, and gives the job's id. */
  async submit(user: string, ...lines: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.sbatch(user, ...lines)
    if (code !== 0) throw new Error(`sbatch exited ${code}: ${stderr}`)
    return stdout.trim()
  }

  /**
   * What the user of a script that must be refused is told: by sbatch at once, or, where Slurm asks nobody at submission
   * (it calls job_process only for a script whose `#DW` lines ask for space), in the job's comment. The job is cancelled.
   */
  async refusalOf(user: string, ...lines: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.sbatch(user, ...lines)
    if (code !== 0) return stderr
    const id = stdout.trim()
    const shown = await this.untilJob(id, /SystemComment=|JobState=(RUNNING|COMPLETED)/)
    await this.cluster.exec('head', ['scancel', id])
    if (/JobState=(RUNNING|COMPLETED)/.test(shown)) throw new Error(`the job ran: ${shown}`)
    return /SystemComment=.*/.exec(shown)?.[0] ?? shown
  }

  /** `scontrol show job`, on one line. */
  async job(id: string): Promise<string> {
    return (await this.cluster.exec('head', ['scontrol', 'show', 'job', '--oneliner', id])).stdout
  }

  untilJob(id: string, what: RegExp, deadlineMs = 6 * minutes): Promise<string> {
    return until({ what: `job ${id} shows ${what.source}`, deadlineMs, seen: () => this.job(id) }, async () => {
      const shown = await this.job(id)
      return what.test(shown) ? shown : undefined
    })
  }

  /** To its good end; Slurm holding it back on the way is an error, unless somebody releases it. */
  async untilCompleted(id: string): Promise<void> {
    const shown = await this.untilJob(
      id,
      /JobState=(COMPLETED|FAILED|CANCELLED|NODE_FAIL|TIMEOUT)| Priority=0 /,
      6 * minutes,
    )
    if (!shown.includes('JobState=COMPLETED')) throw new Error(`job ${id} did not complete: ${shown}`)
  }

  async system(): Promise<ShownSystem> {
    return parseBurstBuffer((await this.cluster.exec('head', showBurstBuffer)).stdout)
  }

  untilSystem(what: string, holds: (system: ShownSystem) => boolean, deadlineMs = 6 * minutes): Promise<ShownSystem> {
    const seen = async () => JSON.stringify(await this.system())
    return until({ what, deadlineMs, seen }, async () => {
      const system = await this.system()
      return holds(system) ? system : undefined
    })
  }

  /** No buffer in Slurm and every device free again: how each suite leaves the lab. */
  async untilClean(): Promise<void> {
    await this.untilSystem('no buffer, 20TB free', ({ used, free, buffers }) => {
      return used === '0' && free === '20TB' && buffers.length === 0
    })
  }

  async createPersistent(user: string, name: string, capacity: string): Promise<void> {
    const job = await this.submit(
      user,
      `#BB create_persistent name=${name} capacity=${capacity} access=striped type=scratch`,
    )
    await this.untilCompleted(job)
  }

  async destroyPersistent(user: string, name: string): Promise<void> {
    const job = await this.submit(user, `#BB destroy_persistent name=${name}`)
    await this.untilCompleted(job)
    await this.untilSystem(`no buffer ${name}`, ({ buffers }) => buffers.every((buffer) => buffer.name !== name))
  }
}
