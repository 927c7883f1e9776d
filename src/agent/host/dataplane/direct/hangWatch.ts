import type { Clock } from '../../../../daemon/clock.js'
import { type Activity, activityOf } from '../../exec/activity.js'
import type { ProcessId } from '../../exec/processes.js'
import type { Answer } from './probe.js'

/*
 * Tells a brick process that hangs from one that is slow. Only the first is ended: the second would lose what clients have on
 * the way, and be as slow afterwards.
 *
 * A process hangs when for half a minute every look has found that
 *   - it does not answer in time, although the kernel took the first connection for it (later ones fill the queue of its port);
 *   - it does nothing: its threads have neither run nor waited for a processor for a hundredth of that time, and none of them
 *     waits for a disk or is held by a debugger. A busy disk, a host with too much to do and one that pages do not look like this.
 *
 * Half a minute is three times what clients wait before they take a brick for dead. What was seen is in memory alone: the next
 * agent counts anew.
 */
const hangsAfterMs = 30_000
const minLooks = 3
const busyShare = 0.01

interface Silence {
  process: ProcessId
  sinceMs: number
  /** What its threads had used of processors then. */
  busyMs: number
  looks: number
}

/** Remembers since when each brick process has been silent. */
export class HangWatch {
  private readonly silences = new Map<string, Silence>()

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly look: (pid: number) => Promise<Activity | undefined> = activityOf,
  ) {}

  /** Whether the process that serves the brick with that uuid hangs, by what it has just answered and before. */
  async hangs(uuid: string, process: ProcessId, answer: Answer): Promise<boolean> {
    const activity = answer.kind === 'timedOut' ? await this.look(process.pid) : undefined
    if (answer.kind !== 'timedOut' || !activity || activity.isBlocked) {
      this.forget(uuid)
      return false
    }
    const nowMs = this.clock.monotonicMs()
    const silence = this.silences.get(uuid)
    if (!silence || !isSame(silence.process, process) || isBusy(silence, activity, nowMs)) {
      this.forget(uuid)
      // Without a connection it may be a packet filter that is silent.
      if (answer.isConnected) this.silences.set(uuid, { process, sinceMs: nowMs, busyMs: activity.busyMs, looks: 1 })
      return false
    }
    silence.looks++
    return silence.looks >= minLooks && nowMs - silence.sinceMs >= hangsAfterMs
  }

  /** What was seen of that brick so far counts no longer, for example because its process is started anew. */
  forget(uuid: string): void {
    this.silences.delete(uuid)
  }
}

function isSame(a: ProcessId, b: ProcessId): boolean {
  return a.pid === b.pid && a.start === b.start
}

/** A thread that has ended takes its share out of the sum: something is done then, too. */
function isBusy({ sinceMs, busyMs }: Silence, activity: Activity, nowMs: number): boolean {
  return Math.abs(activity.busyMs - busyMs) > busyShare * (nowMs - sinceMs)
}
