import { execFile } from 'node:child_process'
import type { DifferenceView, PoolView } from '../model/api.js'
import * as messages from './messages.js'

/** What Slurm says about a job and its buffer. */
export interface SlurmJob {
  id: string
  state: string
  reason: string
  burstBufferState: string
  comment: string
}

/** One job or all, as `scontrol show job --oneliner` prints them; or why scontrol failed. */
export function slurmJobs(id?: string): Promise<{ jobs: SlurmJob[] } | { unknown: string }> {
  const words = ['show', 'job', '--oneliner', ...(id === undefined ? [] : [id])]
  return new Promise((resolve) => {
    execFile('scontrol', words, { timeout: 10_000, maxBuffer: 256 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve(error ? { unknown: (stderr || error.message).trim().split('\n')[0]! } : { jobs: parseSlurmJobs(stdout) }),
    )
  })
}

/**
 * A job takes several lines if its directives or comments do. Users write the names and directives of their own jobs: at worst, a
 * user makes this program say something wrong about the user's own job.
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
 * Jobs that slurmctld will never start: it waits for a teardown of which nothing is left. This happens when slurmctld stops at the
 * moment when a teardown is answered.
 */
export function strandedJobs(jobs: SlurmJob[], tokens: ReadonlySet<string>): DifferenceView[] {
  return jobs
    .filter((job) => job.state === 'PENDING' && job.burstBufferState === 'teardown' && !tokens.has(job.id))
    .map(({ id }) => ({ ...messages.stranded(id), safe: false }))
}

/** Explains what Slurm says about a job that waits, as far as its buffer is concerned. */
export function explainJob(job: SlurmJob, isKnown: boolean, pools: PoolView[]): string[] {
  const { id, state, reason, burstBufferState, comment } = job
  const lines = [messages.jobInSlurm(id, state, reason, burstBufferState)]
  if (comment !== '') lines.push(messages.commentInSlurm(comment))
  if (state !== 'PENDING') return lines
  if (burstBufferState === 'teardown' && !isKnown) lines.push(messages.neverStarted(id))
  else if (!isKnown && /^BurstBuffer/.test(reason))
    lines.push(messages.notRequestedYet(), ...pools.map(messages.poolSizes))
  return lines
}
