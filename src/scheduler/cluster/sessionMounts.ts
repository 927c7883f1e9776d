import { hostKey, type MountCounts } from '../../model/cluster.js'
import type { Observed } from '../../model/documents/observed.js'

type Report = Observed['mount'] | Observed['swap']

interface Kept extends MountCounts {
  /** How many reports are counted. */
  reports: number
  left: Map<string, { host: string; buffer: number }>
}

/** How far the hosts of each session are with its mounts and its swap, kept up to date with each report. */
export class SessionMounts {
  private readonly counts = new Map<number, Kept>()

  of(sessionId: number): MountCounts {
    return this.counts.get(sessionId) ?? none
  }

  /** A host's report on a mount or a swap has changed, or whether the host is told of it. */
  note(
    at: { kind: 'mount' | 'swap'; host: string; id: string },
    before: Report | undefined,
    after: Report | undefined,
    isTold: boolean,
  ) {
    const [session, buffer] = at.id.split('.').map(Number)
    if (!Number.isInteger(session) || !Number.isInteger(buffer)) return
    let counts = this.counts.get(session!)
    if (!counts)
      this.counts.set(session!, (counts = { mounted: 0, swapping: 0, problems: 0, reports: 0, left: new Map() }))
    counts.reports += step(before, after, () => true)
    counts.mounted += step(before, after, ({ state }) => state === 'mounted')
    counts.swapping += step(before, after, ({ state }) => state === 'on')
    counts.problems += step(before, after, ({ problem }) => problem?.terminal === true)
    if (at.kind === 'mount') {
      const key = hostKey(at.host, at.id)
      if ((isTold || after) && after?.state !== 'absent') counts.left.set(key, { host: at.host, buffer: buffer! })
      else counts.left.delete(key)
    }
    if (counts.reports === 0 && counts.left.size === 0) this.counts.delete(session!)
  }
}

const none: MountCounts = { mounted: 0, swapping: 0, problems: 0, left: new Map() }

function step(before: Report | undefined, after: Report | undefined, is: (report: Report) => boolean): number {
  return Number(after !== undefined && is(after)) - Number(before !== undefined && is(before))
}
