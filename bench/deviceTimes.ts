/* What a device does for a job, from the scheduler's log at level debug: Slurm's calls, and the buffer's timeline. */

/** In their order. `waiting`: for nodes, with all of what Slurm does before pre_run. */
export const phases = ['making', 'waiting', 'mounting', 'running', 'unmounting', 'removing'] as const
export type Phase = (typeof phases)[number]

/** Seconds in each phase. */
export type DeviceTimes = Record<Phase, number>

interface Line {
  timestamp: string
  message: string
  ms?: number
  words?: string[]
  buffer?: string
  event?: string
}

/** Of each buffer of a job that came and went, in the order of their ends. */
export function deviceTimes(log: string): DeviceTimes[] {
  const begun = new Map<string, { phase: Phase; atMs: number; times: DeviceTimes }>()
  const found: DeviceTimes[] = []
  const enter = (job: string, phase: Phase | undefined, atMs: number) => {
    const last = begun.get(job)
    if (!last) return
    last.times[last.phase] += (atMs - last.atMs) / 1000
    if (phase === undefined) {
      begun.delete(job)
      found.push(last.times)
    } else begun.set(job, { phase, atMs, times: last.times })
  }
  for (const { job, phase, atMs } of changesIn(log)) {
    if (phase === 'making') begun.set(job, { phase, atMs, times: { ...none } })
    else enter(job, phase, atMs)
  }
  return found
}

const none: DeviceTimes = { making: 0, waiting: 0, mounting: 0, running: 0, unmounting: 0, removing: 0 }

interface Change {
  job: string
  /** What begins. Undefined: the buffer is gone. */
  phase: Phase | undefined
  atMs: number
}

/** In the order in which they happened: a call is logged at its end. */
function changesIn(log: string): Change[] {
  const changes = log.split('\n').flatMap((text) => {
    const line = parse(text)
    return line ? changeOf(line) : []
  })
  return changes.sort((a, b) => a.atMs - b.atMs)
}

function changeOf({ timestamp, message, buffer, event, words = [], ms = 0 }: Line): Change[] {
  const atMs = Date.parse(timestamp)
  if (message === 'buffer gone') return [{ job: buffer!, phase: undefined, atMs }]
  if (message === 'buffer' && event!.startsWith('placed on')) return [{ job: buffer!, phase: 'making', atMs }]
  if (message === 'buffer' && event === 'ready') return [{ job: buffer!, phase: 'waiting', atMs }]
  if (message !== 'call') return []
  const [called, job] = [after(words, '--function'), after(words, '--token')]
  const begins = (phase: Phase): Change => ({ job: job!, phase, atMs: atMs - ms })
  switch (called) {
    case 'pre_run':
      return [begins('mounting'), { job: job!, phase: 'running', atMs }]
    case 'post_run':
      return [begins('unmounting')]
    case 'teardown':
      return [begins('removing')]
    default:
      return []
  }
}

function after(words: string[], option: string): string | undefined {
  return words[words.indexOf(option) + 1]
}

function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}
