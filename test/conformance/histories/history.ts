import { type Random, randomOf } from '../../support/random.js'
import type { Answer, Worker } from '../worker.js'
import { Wrong } from '../wrong.js'

/** What a history is played with. Workers begin in an empty directory of the history on their mount. */
export interface Stage {
  seed: number
  startWorker(mount: number): Worker
  /** Hears every call that is worth telling. */
  say(line: string): void
}

export interface Process {
  worker: Worker
  mount: number
  /** `1a`: the first process of the first mount. */
  name: string
}

/** As many processes for each mount; they end with `play`. */
export async function withProcesses<T>(
  { startWorker, seed }: Stage,
  counts: readonly number[],
  play: (processes: Process[], random: Random) => Promise<T>,
): Promise<T> {
  const processes = counts.flatMap((count, mount) =>
    Array.from({ length: count }, (_, index) => ({
      worker: startWorker(mount),
      mount,
      name: `${mount + 1}${'abcdefgh'[index]!}`,
    })),
  )
  try {
    return await play(processes, randomOf(seed))
  } finally {
    for (const { worker } of processes) worker.end()
  }
}

/** Throws Wrong unless the call succeeds, or gives that error. */
export function expectAnswer(process: Process, what: string, answer: Answer, error?: string): void {
  if (answer.error === error) return
  throw new Wrong(`${process.name} ${what}: expected ${error ?? 'success'}, got ${answer.error ?? 'success'}`)
}

/** The value of a call that must succeed. */
export async function must(
  process: Process,
  name: string,
  words: readonly (string | number)[],
  data?: Buffer,
): Promise<{ value: number; data: Buffer }> {
  const answer = await process.worker.call(name, words, data)
  if (answer.error !== undefined) throw new Wrong(`${process.name} ${name} ${words.join(' ')}: ${answer.error}`)
  return answer
}
