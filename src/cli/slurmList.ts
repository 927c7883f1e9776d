import { execFile } from 'node:child_process'
import type { BufferView, DifferenceView } from '../model/api.js'

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

/** Buffers that only one of the two knows. Slurm hears of ours every half minute, and forgets its own at teardown. */
export function slurmDifferences(names: string[], buffers: BufferView[]): DifferenceView[] {
  const ours = new Map(buffers.map((buffer) => [buffer.name, buffer]))
  const theirs = new Set(names)
  const unknownHere = names
    .filter((name) => !ours.has(name))
    .map((name) => ({
      where: `Slurm's buffer ${name}`,
      what: 'the scheduler has no buffer of that name',
      mend: 'Slurm tears it down at the end of its job; scontrol reconfigure makes it look again',
      safe: false,
    }))
  const unknownThere = buffers
    .filter(({ name, phase }) => phase === 'ready' && !theirs.has(name))
    .map(({ name }) => ({
      where: `buffer ${name}`,
      what: 'Slurm does not list it',
      mend: `wait for Slurm's next look, half a minute; bbctl destroy ${name} when no job uses it`,
      safe: false,
    }))
  return [...unknownHere, ...unknownThere]
}
