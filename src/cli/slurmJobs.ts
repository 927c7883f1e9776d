import { execFile } from 'node:child_process'
import type { DifferenceView, PoolView } from '../model/api.js'
import { size } from './output.js'

/** What Slurm tells of a job that has to do with its buffer. */
export interface SlurmJob {
  id: string
  state: string
  reason: string
  burstBufferState: string
  comment: string
}

/** Jobs as `scontrol show job --oneliner` tells them, one or all; or why it cannot be asked. */
export function slurmJobs(id?: string): Promise<{ jobs: SlurmJob[] } | { unknown: string }> {
  const words = ['show', 'job', '--oneliner', ...(id === undefined ? [] : [id])]
  return new Promise((resolve) => {
    execFile('scontrol', words, { timeout: 10_000, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve(error ? { unknown: (stderr || error.message).trim().split('\n')[0]! } : { jobs: parseSlurmJobs(stdout) }),
    )
  })
}

/**
 * A job has several lines where its directives or its comments have. Its name and its directives are its user's own: at worst
 * one user makes us say something wrong of the user's own job.
 */
export function parseSlurmJobs(text: string): SlurmJob[] {
  return text.split(/^(?=JobId=[0-9]+ )/m).flatMap((shown) => {
    const id = /^JobId=([0-9]+) /.exec(shown)?.[1]
    const state = / JobState=([A-Z_]+) Reason=(.*?) Dependency=/.exec(shown)
    if (id === undefined || !state) return []
    return {
      id,
      state: state[1]!,
      reason: state[2]!,
      burstBufferState: [...shown.matchAll(/ BurstBufferState=(\S+)/g)].at(-1)?.[1] ?? '',
      comment: / SystemComment=(.*?)(?= [A-Z][A-Za-z]*=|$)/m.exec(shown)?.[1] ?? '',
    }
  })
}

/**
 * Jobs that slurmctld will never start: it takes them to be torn down still, and there is nothing that could be. It comes
 * to that when slurmctld ends in the moment in which a teardown is answered.
 */
export function strandedJobs(jobs: SlurmJob[], tokens: ReadonlySet<string>): DifferenceView[] {
  return jobs
    .filter((job) => job.state === 'PENDING' && job.burstBufferState === 'teardown' && !tokens.has(job.id))
    .map(({ id }) => ({
      where: `job ${id} of Slurm`,
      what: 'it waits for the end of a teardown that has ended: Slurm will never start it',
      remedy: `look again in a minute; then scancel ${id}, and its user submits it again`,
      safe: false,
    }))
}

/** What Slurm's words on a job that waits mean for its buffer. */
export function explainJob(job: SlurmJob, isKnown: boolean, pools: PoolView[]): string[] {
  const { state, reason, burstBufferState, comment } = job
  const buffer = burstBufferState === '' ? '' : `, its burst buffer ${burstBufferState}`
  const lines = [`Slurm: job ${job.id} is ${state}, for the reason ${reason}${buffer}`]
  if (comment !== '') lines.push(`Slurm was told: ${comment}`)
  if (state !== 'PENDING') return lines
  if (burstBufferState === 'teardown' && !isKnown)
    lines.push(`Slurm will never start it if this is so in a minute too: scancel ${job.id} and submit it again`)
  else if (!isKnown && /^BurstBuffer/.test(reason))
    lines.push(
      'Slurm has not asked for its buffer yet: it does when the pool has room by its own count. A job that asks for more than a pool has in all waits for ever',
      ...pools.map(
        ({ pool, totalBytes, freeBytes }) => `pool ${pool} has ${size(totalBytes)} in all, ${size(freeBytes)} free`,
      ),
    )
  return lines
}
