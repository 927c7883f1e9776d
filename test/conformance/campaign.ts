import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { kinds } from './histories/kinds.js'
import type { Plane } from './planes/plane.js'
import { Hangs, type Worker } from './worker.js'
import { Wrong } from './wrong.js'

/** Histories with seeds one after the other, their kinds in turn. */
export interface Campaign {
  kinds: readonly string[]
  seed: number
  /** No history begins after so many, or after so long. */
  histories: number
  minutes: number
  /** So many at a time. */
  parallel: number
}

export interface Ended {
  kind: string
  seed: number
  /** What was wrong. */
  wrong?: string
  /** The calls so far. */
  story: string[]
}

/** Plays all; `tell` hears how each has ended. */
export async function run(
  campaign: Campaign,
  plane: Plane,
  startWorker: (root: string) => Worker,
  tell: (ended: Ended) => void,
): Promise<void> {
  const deadline = performance.now() + campaign.minutes * 60_000
  let begun = 0
  let running: Promise<void>[] = []
  while (begun < campaign.histories && (begun === 0 || performance.now() < deadline)) {
    const kind = campaign.kinds[begun % campaign.kinds.length]!
    const seed = campaign.seed + begun++
    const isAlone = kinds[kind]!.isAlone === true
    if (isAlone) await Promise.all(running)
    while (running.length >= campaign.parallel) await Promise.race(running)
    const ended: Promise<void> = play(kind, seed, plane, startWorker).then((history) => {
      running = running.filter((other) => other !== ended)
      tell(history)
    })
    running.push(ended)
    if (isAlone) await ended
  }
  await Promise.all(running)
}

async function play(kind: string, seed: number, { mounts }: Plane, start: (root: string) => Worker): Promise<Ended> {
  const story: string[] = []
  const name = `${kind}-${seed}`
  const workers: Worker[] = []
  const startWorker = (mount: number) => {
    const worker = start(join(mounts[mount]!, name))
    workers.push(worker)
    return worker
  }
  try {
    await mkdir(join(mounts[0], name))
    await kinds[kind]!.play({ seed, startWorker, say: (line) => tellOnce(story, line) })
    await rm(join(mounts[0], name), { recursive: true })
    return { kind, seed, story }
  } catch (error) {
    // What a call that hangs has locked would make this hang too.
    if (!(error instanceof Hangs)) await rm(join(mounts[0], name), { recursive: true, force: true }).catch(() => {})
    return { kind, seed, story, wrong: error instanceof Wrong ? error.message : String((error as Error).stack) }
  } finally {
    for (const worker of workers) worker.end()
  }
}

/** Without the looks that are repeated to see whether a wrong answer becomes right. */
function tellOnce(story: string[], line: string): void {
  if (!story.slice(-3).includes(line)) story.push(line)
}
