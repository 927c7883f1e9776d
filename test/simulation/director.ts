import type { Reply } from '../../src/scheduler/slurm/dwWlmCli.js'
import { filesRead, pool, type SimulatedCluster } from './cluster.js'

/** One history as people tell it. It ends when the cluster is clean again. */
export type Scenario = (director: Director) => Promise<void>

/** slurmctld, the users, the operators and the weather. */
export class Director {
  readonly world
  head = 'head1'
  /** What `until` waits for just now. */
  awaited: string | undefined
  /** Each call is made twice, the second while the first is under way. */
  doubles = false

  constructor(readonly cluster: SimulatedCluster) {
    this.world = cluster.world
  }

  /** Calls until it succeeds, as slurmctld and patient users do; a refusal that names a reason in `stop` ends it too. */
  async call(words: string[], stop?: RegExp): Promise<Reply> {
    const again = this.doubles ? this.world.between(0, 400) : undefined
    const second = again === undefined ? undefined : this.world.sleep(again).then(() => this.once(words))
    for (;;) {
      const reply = await this.once(words)
      if (reply && (reply.code === 0 || stop?.test(reply.text))) {
        await second
        return reply
      }
      await this.world.sleep(this.world.between(200, 3_000))
    }
  }

  async once(words: string[]): Promise<Reply | undefined> {
    this.world.reading++
    const reply = this.cluster.call(this.head, ...words)
    await filesRead()
    this.world.reading--
    return reply
  }

  create(name: string, terabytes: number, stop?: RegExp) {
    return this.call(['create_persistent', '-t', name, '-u', '1001', '-C', `${pool}:${terabytes}TB`], stop)
  }

  setup(token: string, terabytes: number, uses: string[] = [], stop?: RegExp) {
    const job = uses.length > 0 ? ['--job', this.cluster.scriptUsing(uses, terabytes)] : []
    const capacity = `${pool}:${terabytes === 0 ? '0' : `${terabytes}TB`}`
    return this.call(
      ['setup', '--token', token, '--user', '1001', '--groupid', '1001', '--capacity', capacity, ...job],
      stop,
    )
  }

  /** A job with a buffer of 3 TB and these stage directives. */
  setupStaging(token: string, lines: string[], access = 'striped') {
    const script = this.cluster.script(token, [`#DW jobdw access_mode=${access} capacity=3TB`, ...lines])
    const user = ['--user', '1001', '--groupid', '1001', '--capacity', `${pool}:3TB`]
    return this.call(['setup', '--token', token, ...user, '--job', script])
  }

  /** A job with so much swap on each node, and with a buffer of its own where terabytes are given. */
  setupSwapping(token: string, terabytes?: number) {
    const jobdw = terabytes === undefined ? [] : [`#DW jobdw access_mode=striped capacity=${terabytes}TB`]
    const script = this.cluster.script(token, [...jobdw, '#DW swap 4GiB'])
    const user = ['--user', '1001', '--groupid', '1001', '--capacity', `${pool}:${terabytes ?? 1}TB`]
    return this.call(['setup', '--token', token, ...user, '--job', script])
  }

  /** As often as it takes. */
  async operate(decide: Parameters<SimulatedCluster['operate']>[1]): Promise<void> {
    while (!(await this.cluster.operate(this.head, decide))) await this.world.sleep(this.world.between(200, 3_000))
  }

  preRun(token: string, hosts: string[], stop?: RegExp) {
    return this.call(['pre_run', '--token', token, '--nodehostnamefile', this.cluster.nodeFile(hosts)], stop)
  }

  simple(name: 'data_in' | 'post_run' | 'data_out' | 'teardown', token: string) {
    return this.call([name, '--token', token], /token not found|No matching session/)
  }

  /** What Slurm calls when the job's processes have ended, until its buffer is gone. */
  async endJob(token: string): Promise<void> {
    await this.simple('post_run', token)
    await this.simple('data_out', token)
    await this.simple('teardown', token)
  }

  async run(token: string, hosts: string[]): Promise<void> {
    await this.simple('data_in', token)
    await this.preRun(token, hosts)
    await this.world.sleep(this.world.between(100, 8_000))
    await this.simple('post_run', token)
    await this.simple('data_out', token)
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    while (!holds()) {
      this.awaited = what
      await this.world.sleep(5)
    }
    this.awaited = undefined
  }

  built(name: string): boolean {
    const buffer = this.cluster.etcd.read(`buffers/${name}`)?.value as { builtAt?: number } | undefined
    return buffer?.builtAt !== undefined
  }

  hostOf(name: string, index = 0): string {
    const buffer = this.cluster.etcd.read(`buffers/${name}`)?.value as { bricks: { host: string }[] } | undefined
    return buffer?.bricks[index]?.host ?? 'gluster1'
  }
}
