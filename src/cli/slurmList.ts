import { execFile } from 'node:child_process'
import type { BufferView, DifferenceView, SessionView, ShownStage } from '../model/api.js'

/** Names of the buffers that Slurm lists (`scontrol show burstbuffer`), or why it cannot be asked. */
export function slurmList(): Promise<{ names: string[] } | { unknown: string }> {
  return new Promise((resolve) => {
    execFile('scontrol', ['show', 'burstbuffer'], { timeout: 10_000 }, (error, stdout) =>
      resolve(error ? { unknown: error.message.split('\n')[0]! } : { names: parseSlurmList(stdout) }),
    )
  })
}

/** A buffer's line begins with `Name=NAME` or `JobID=347`; a job array's task is `JobID=347_2(350)`. */
export function parseSlurmList(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const named = /^\s*Name=(\S+)\s+CreateTime=/.exec(line)?.[1]
    const job = /^\s*JobID=(?:\S*\(([0-9]+)\)|([0-9]+))\s/.exec(line)
    const found = named ?? job?.[1] ?? job?.[2]
    return found === undefined ? [] : [found]
  })
}

/**
 * Buffers that only one of the two knows. Slurm hears of ours every half minute, and forgets its own at teardown. `shim` is the
 * path of the program that Slurm calls. A buffer without a session of its own is the scheduler's to name.
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
    .map((name) => ({
      where: `Slurm's buffer ${name}`,
      what: 'the scheduler has no buffer of that name',
      remedy: 'Slurm tears it down at the end of its job; scontrol reconfigure makes it look again',
      safe: false,
    }))
  const unknownThere = buffers
    .filter(({ name, phase }) => phase === 'ready' && !theirs.has(name) && stages.has(name))
    .map(({ name, kind }) => ({
      where: `buffer ${name}`,
      what: 'Slurm does not list it',
      remedy: `wait for Slurm's next look, half a minute; ${kind === 'job' ? howToEnd(name, stages.get(name)!, shim) : `bbctl destroy ${name} when no job uses it`}`,
      safe: false,
    }))
  return [...unknownHere, ...unknownThere]
}

/** What Slurm would call at the end of a job that it does not know any more. */
function howToEnd(job: string, stage: ShownStage, shim: string): string {
  const unless = `when scontrol show job ${job} does not know the job either, `
  if (['allocated', 'staging-in', 'staged-in'].includes(stage)) return `${unless}bbctl destroy ${job} --force`
  const call = (name: string) => `${shim} --function ${name} --token ${job}`
  const steps = [call('post_run'), call('data_out'), call('teardown')].join(' && ')
  return `${unless}${steps} stages its results out and removes it, and ${call('teardown')} --hurry gives them up`
}
