import { execFile } from 'node:child_process'
import type { BufferView, DifferenceView, SessionView, ShownStage } from '../model/api.js'
import * as messages from './messages.js'

/** Names of the buffers that `scontrol show burstbuffer` lists, or why scontrol failed. */
export function slurmList(): Promise<{ names: string[] } | { unknown: string }> {
  return new Promise((resolve) => {
    execFile('scontrol', ['show', 'burstbuffer'], { timeout: 10_000 }, (error, stdout) =>
      resolve(error ? { unknown: error.message.split('\n')[0]! } : { names: parseSlurmList(stdout) }),
    )
  })
}

/** A buffer's line begins with `Name=NAME` or `JobID=347`; the task of a job array is `JobID=347_2(350)`. */
export function parseSlurmList(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const named = /^\s*Name=(\S+)\s+CreateTime=/.exec(line)?.[1]
    const job = /^\s*JobID=(?:\S*\(([0-9]+)\)|([0-9]+))\s/.exec(line)
    const found = named ?? job?.[1] ?? job?.[2]
    return found === undefined ? [] : [found]
  })
}

/**
 * Buffers that only Slurm or only the scheduler knows. Slurm reads our list every half minute, and forgets its own buffers at
 * teardown. The scheduler itself reports a buffer without a session. `shim`: the path of the program that Slurm calls.
 */
export function slurmDifferences(
  names: string[],
  buffers: BufferView[],
  sessions: SessionView[],
  shim: string,
): DifferenceView[] {
  const ours = new Map(buffers.map((buffer) => [buffer.name, buffer]))
  const theirs = new Set(names)
  const stages = new Map(sessions.map(({ token, stage }) => [token, stage]))
  const unknownHere = names
    .filter((name) => !ours.has(name))
    .map((name) => ({ ...messages.unknownToScheduler(name), safe: false }))
  const unknownThere = buffers
    .filter(({ name, phase }) => phase === 'ready' && !theirs.has(name) && stages.has(name))
    .map(({ name, kind }) => ({
      ...messages.unknownToSlurm(
        name,
        kind === 'job' ? howToEnd(name, stages.get(name)!, shim) : messages.destroyUnused(name),
      ),
      safe: false,
    }))
  return [...unknownHere, ...unknownThere]
}

/** How to end a job that Slurm no longer knows: with the calls that Slurm would have made. */
function howToEnd(job: string, stage: ShownStage, shim: string): string {
  const hasRun = !['allocated', 'staging-in', 'staged-in'].includes(stage)
  return hasRun ? messages.endJob(job, shim) : messages.destroyJobBuffer(job)
}
