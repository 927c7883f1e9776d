import { keys } from '../../src/store/keys.js'
import type { SessionDocument } from '../../src/model/documents/session.js'
import type { Director } from './director.js'
import { Violation } from './invariants.js'

/** Slurm defers a job that it has torn down because of a restart. */
const deferMs = 60_000

interface Job {
  state: 'pending' | 'staging-in' | 'teardown' | 'staged-in'
  notBeforeMs: number
}

/**
 * slurmctld, as far as it brings jobs to their start, with what it does after a restart: calls that were under way are lost,
 * it asks for the sessions, tears down jobs whose stage-in was under way, defers them and sets them up again. A job that it
 * was tearing down, and whose session it does not see, it leaves alone for ever.
 */
export class Slurmctld {
  private readonly jobs = new Map<string, Job>()
  /** Counts starts: what an earlier one had begun goes on no more. */
  private starts = 0

  constructor(private readonly director: Director) {}

  submit(token: string): void {
    this.jobs.set(token, { state: 'pending', notBeforeMs: 0 })
    void this.drive(token, this.starts)
  }

  async restart(): Promise<void> {
    const { world, cluster } = this.director
    cluster.tell('slurmctld is restarted')
    const start = ++this.starts
    await world.sleep(world.between(300, 3_000))
    const before = this.leaving()
    const shown = await this.sessions()
    const kept = this.leaving().filter((session) => before.includes(session))
    for (const [token, job] of this.jobs) {
      const isShown = shown.includes(token)
      if (job.state === 'teardown' && !isShown && kept.includes(token))
        throw new Violation(`job ${token} is stranded: its session is leaving, and Slurm does not hear of it`)
      // What was gone just when slurmctld ended is Slurm's own loss; its user submits it again.
      if (job.state === 'staging-in' || job.state === 'teardown') job.state = isShown ? 'teardown' : 'pending'
      void this.drive(token, start)
    }
  }

  /** Until each is staged in. */
  untilStaged(): Promise<void> {
    const ready = () => [...this.jobs.values()].every(({ state }) => state === 'staged-in')
    return this.director.until('every job to be staged in', ready)
  }

  private async drive(token: string, start: number): Promise<void> {
    const { world } = this.director
    const job = this.jobs.get(token)!
    const call = async (...words: string[]) => {
      const reply = await this.director.once([words[0]!, '--token', token, ...words.slice(1)])
      // The shim calls again when the scheduler died over it.
      if (!reply) await world.sleep(world.between(50, 1_000))
      return start === this.starts ? reply : undefined
    }
    while (start === this.starts && job.state !== 'staged-in') {
      if (job.state === 'pending') {
        await world.sleep(Math.max(0, job.notBeforeMs - world.nowMs))
        if (start === this.starts) job.state = 'staging-in'
      } else if (job.state === 'staging-in') {
        const set = await call('setup', '--user', '1001', '--groupid', '1001', '--capacity', '1TB')
        const staged = set?.code === 0 ? await call('data_in') : set
        if (staged) job.state = staged.code === 0 ? 'staged-in' : 'teardown'
      } else {
        const reply = await call('teardown', '--hurry')
        if (!reply || (reply.code !== 0 && !reply.text.includes('token not found'))) continue
        job.state = 'pending'
        job.notBeforeMs = world.nowMs + deferMs
      }
    }
  }

  private async sessions(): Promise<string[]> {
    for (;;) {
      const reply = await this.director.once(['show_sessions'])
      if (reply?.code === 0)
        return (JSON.parse(reply.text) as { sessions: { token: string }[] }).sessions.map(({ token }) => token)
      await this.director.world.sleep(100)
    }
  }

  /** Sessions that something can still be done about: those of lost hosts are as good as gone for Slurm. */
  private leaving(): string[] {
    const { etcd, machines } = this.director.cluster
    if (etcd.list('hosts/').entries.length < machines.size) return []
    return [...this.jobs.keys()].filter((token) => {
      const session = etcd.read(keys.session(token))?.value as SessionDocument | undefined
      return session?.stage === 'leaving'
    })
  }
}
