import type { Scene } from './scene.js'

export interface ShownBuffer {
  /** A persistent buffer's name, or undefined for a job's. */
  name?: string
  jobId?: string
  size: string
  state: string
  user: string
}

export interface ShownSystem {
  defaultPool: string
  granularity: string
  total: string
  free: string
  used: string
  buffers: ShownBuffer[]
  /** By user's name. */
  useOf: Record<string, string>
}

/** Reads `scontrol show burstbuffer`. */
export function parseBurstBuffer(text: string): ShownSystem {
  const field = (line: string, name: string) => new RegExp(`(?:^|\\s)${name}=(\\S+)`).exec(line)?.[1]
  const lines = text.split('\n')
  const first = lines.find((line) => line.startsWith('Name=datawarp')) ?? ''
  const buffers = lines
    .filter((line) => line.includes(' State=') && line.includes(' CreateTime='))
    .map((line) => {
      const name = field(line, 'Name')
      const jobId = field(line, 'JobID')
      return {
        ...(name === undefined ? {} : { name }),
        ...(jobId === undefined ? {} : { jobId }),
        size: field(line, 'Size') ?? '',
        state: field(line, 'State') ?? '',
        user: userOf(field(line, 'UserID')),
      }
    })
  const uses = lines.filter((line) => line.includes('UserID=') && line.includes(' Used='))
  return {
    defaultPool: field(first, 'DefaultPool') ?? '',
    granularity: field(first, 'Granularity') ?? '',
    total: field(first, 'TotalSpace') ?? '',
    free: field(first, 'FreeSpace') ?? '',
    used: field(first, 'UsedSpace') ?? '',
    buffers,
    useOf: Object.fromEntries(uses.map((line) => [userOf(field(line, 'UserID')), field(line, 'Used') ?? ''])),
  }
}

/** `alice(20001)` → `alice` */
const userOf = (shown = '') => shown.replace(/\(.*/, '')

export const showBurstBuffer = ['scontrol', 'show', 'burstbuffer']

/** Submits a script in the user's home, and returns the id of the job. */
export async function submit(scene: Scene, user: string, script: string): Promise<string> {
  const said = await scene.show('head', ['sbatch', script], { user })
  const id = /^Submitted batch job (\d+)$/m.exec(said)?.[1]
  scene.expect(`sbatch ${script} tells the job's id`, id !== undefined, said)
  return id!
}

/** Waits until a job has ended, and expects that it completed. */
export async function untilCompleted(scene: Scene, jobId: string): Promise<void> {
  const over = /JobState=(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL|BOOT_FAIL|DEADLINE|OUT_OF_MEMORY)/
  const ask = () => scene.ask('head', ['scontrol', 'show', 'job', '--oneliner', jobId])
  const seen = await scene.expectSoon(`job ${jobId} ends`, ask, (job) => over.test(job), 180_000)
  scene.expect(`job ${jobId} is COMPLETED`, over.exec(seen)?.[1] === 'COMPLETED', seen)
}
