import { retryTransfers } from '../../src/scheduler/admit.js'
import type { Reply } from '../../src/scheduler/slurm/functions.js'
import { computeHosts, filesRead, pool, type SimulatedCluster } from './cluster.js'

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
    const job = uses.length > 0 ? ['--job', this.cluster.scriptUsing(uses)] : []
    const capacity = `${pool}:${terabytes === 0 ? '0' : `${terabytes}TB`}`
    return this.call(
      ['setup', '--token', token, '--user', '1001', '--groupid', '1001', '--capacity', capacity, ...job],
      stop,
    )
  }

  /** A job with a buffer of 3 TB and these stage lines. */
  setupStaging(token: string, lines: string[], access = 'striped') {
    const script = this.cluster.script(token, [`#DW jobdw access_mode=${access} capacity=3TB`, ...lines])
    const user = ['--user', '1001', '--groupid', '1001', '--capacity', `${pool}:3TB`]
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

const stageIn = '#DW stage_in type=directory source=/lustre/in destination=$DW_JOB_STRIPED/in'
const stageOut = '#DW stage_out type=directory source=$DW_JOB_STRIPED/out destination=/lustre/out'

function isBrick({ key }: { key: string }): boolean {
  return key.split('/')[2] === 'brick'
}

export const scenarios: Record<string, Scenario> = {
  'create and delete': async (director) => {
    await director.create('alpha', 2)
    await director.simple('teardown', 'alpha')
  },

  job: async (director) => {
    await director.setup('101', 3)
    await director.run('101', computeHosts)
    await director.simple('teardown', '101')
  },

  use: async (director) => {
    await director.create('alpha', 2)
    const use = async (token: string, host: string) => {
      // The second may come when the buffer is being destroyed already, and is then turned away.
      const { code } = await director.setup(token, 1, ['alpha'], /being destroyed|there is no persistent/)
      if (code === 0) await director.run(token, [host])
      await director.simple('teardown', token)
    }
    const first = use('101', 'c1')
    const second = use('102', 'c2')
    await director.world.sleep(director.world.between(0, 9_000))
    await director.simple('teardown', 'alpha')
    await Promise.all([first, second])
    await director.simple('teardown', 'alpha')
  },

  'several at once': async (director) => {
    const one = async (token: string, terabytes: number) => {
      await director.setup(token, terabytes)
      await director.run(token, [director.world.pick(computeHosts)])
      await director.simple('teardown', token)
    }
    await Promise.all([one('101', 2), one('102', 3), one('103', 4), one('104', 5)])
  },

  'replace a bad disk': async (director) => {
    const { disk } = director.world.pick(director.cluster.disks())
    const broken = director.world.sleep(director.world.between(0, 1_500)).then(() => {
      director.cluster.tell(`${disk.identity} breaks`)
      if (disk.content.kind === 'blank') disk.condition = 'broken'
    })
    await director.create('alpha', 5)
    await broken
    await director.simple('teardown', 'alpha')
    disk.condition = 'good'
  },

  "somebody else's disk": async (director) => {
    const { disk } = director.world.pick(director.cluster.disks())
    await director.world.sleep(director.world.between(0, 1_200))
    if (disk.content.kind === 'blank' && disk.users.length === 0) {
      director.cluster.tell(`somebody puts ext4 on ${disk.identity}`)
      disk.content = { kind: 'other', what: 'a signature of ext4' }
      director.cluster.invariants.protect(disk)
    }
    await director.create('alpha', 5)
    await director.simple('teardown', 'alpha')
    director.cluster.invariants.release(disk)
    if (disk.content.kind === 'other') disk.content = { kind: 'blank' }
  },

  "somebody else's disk at the last moment": async (director) => {
    const { cluster, world } = director
    const created = director.create('alpha', 4)
    await director.until('a brick to be wanted', () => cluster.etcd.list('desired/').entries.some(isBrick))
    await world.sleep(world.between(0, 60))
    const wanted = cluster.etcd
      .list('desired/')
      .entries.filter(isBrick)
      .map(({ key }) => key.split('/'))
    const blank = wanted
      .map(([, host, , device]) => cluster.machines.get(host!)!.disks.get(device!)!)
      .filter(({ content, users }) => content.kind === 'blank' && users.length === 0)
    for (const disk of blank.slice(0, 2)) {
      cluster.tell(`somebody puts ext4 on ${disk.identity}`)
      disk.content = { kind: 'other', what: 'a signature of ext4' }
      cluster.invariants.protect(disk, { late: true })
    }
    await created
    await director.simple('teardown', 'alpha')
    for (const disk of blank.slice(0, 2)) {
      cluster.invariants.release(disk)
      if (disk.content.kind === 'other') disk.content = { kind: 'blank' }
    }
  },

  'made and unmade again and again': async (director) => {
    const { world } = director
    const one = async (token: string) => {
      for (let round = 0; round < 3; round++) {
        const made = director.once([
          'setup',
          ...['--token', token, '--user', '1001', '--groupid', '1001'],
          '--capacity',
          `${pool}:3TB`,
        ])
        await world.sleep(world.between(0, 600))
        await director.simple('teardown', token)
        await made
      }
      await director.simple('teardown', token)
    }
    await Promise.all(['101', '102', '103'].map(one))
  },

  'replace while others are placed': async (director) => {
    const { cluster, world } = director
    const created = director.create('alpha', 2)
    await director.until('alpha', () => cluster.etcd.read('buffers/alpha') !== undefined)
    const name = director.hostOf('alpha', 1)
    const broken = [...cluster.machines.get(name)!.disks.values()].filter(({ content }) => content.kind === 'blank')
    for (const disk of broken) disk.condition = 'broken'
    const jobs = ['101', '102', '103'].map(async (token) => {
      await world.sleep(world.between(0, 300))
      await director.setup(token, 1)
      await director.simple('teardown', token)
    })
    await Promise.all([created, ...jobs])
    await director.simple('teardown', 'alpha')
    for (const disk of broken) disk.condition = 'good'
  },

  'a device is asked for the moment its host returns': async (director) => {
    const { cluster, world } = director
    const created = director.create('alpha', 2)
    await director.until('alpha', () => cluster.etcd.read('buffers/alpha') !== undefined)
    const name = director.hostOf('alpha', 1)
    cluster.turnOff(name)
    await created
    cluster.turnOn(name)
    const asked: Promise<unknown>[] = []
    for (let tries = 0; tries < 60; tries++) {
      asked.push(director.once(['create_persistent', '-t', 'beta', '-u', '1001', '-C', `${pool}:4TB`]))
      await world.sleep(2)
    }
    await Promise.all(asked)
    await director.simple('teardown', 'beta')
    await director.simple('teardown', 'alpha')
  },

  'disks change places': async (director) => {
    await director.create('alpha', 2)
    const name = director.hostOf('alpha')
    director.cluster.turnOff(name)
    const { disks } = director.cluster.machines.get(name)!
    const [a, b] = [disks.get('nvme1n1')!, disks.get('nvme2n1')!]
    disks.set('nvme1n1', b).set('nvme2n1', a)
    await director.world.sleep(director.world.between(100, 60_000))
    director.cluster.turnOn(name)
    const others = director.create('beta', 3)
    await director.world.sleep(director.world.between(100, 60_000))
    director.cluster.turnOff(name)
    disks.set('nvme1n1', a).set('nvme2n1', b)
    director.cluster.turnOn(name)
    await others
    await director.simple('teardown', 'alpha')
    await director.simple('teardown', 'beta')
  },

  'lose a host while forming': async (director) => {
    const created = director.create('alpha', 2)
    await director.world.sleep(director.world.between(0, 1_000))
    const name = director.hostOf('alpha', director.world.between(0, 1))
    director.cluster.turnOff(name)
    await director.world.sleep(director.world.between(1_000, 90_000))
    director.cluster.turnOn(name)
    await created
    await director.simple('teardown', 'alpha')
  },

  'lose a host while in use': async (director) => {
    await director.setup('101', 3)
    const running = director.run('101', ['c1'])
    await director.world.sleep(director.world.between(0, 5_000))
    const name = director.world.pick(['gluster1', 'gluster2', 'gluster3', 'c1'])
    director.cluster.turnOff(name)
    await director.world.sleep(director.world.between(1_000, 90_000))
    director.cluster.turnOn(name)
    await running
    await director.simple('teardown', '101')
  },

  'lose a host while deleting and use its name again': async (director) => {
    await director.create('alpha', 2)
    const deleted = director.simple('teardown', 'alpha')
    await director.world.sleep(director.world.between(0, 2_500))
    const name = director.hostOf('alpha', director.world.between(0, 1))
    director.cluster.turnOff(name)
    const back = director.world.sleep(director.world.between(1_000, 120_000)).then(() => director.cluster.turnOn(name))
    await deleted
    await director.create('alpha', 2)
    await back
    await director.simple('teardown', 'alpha')
  },

  'a host is cut off and healed': async (director) => {
    const created = director.create('alpha', 3)
    await director.world.sleep(director.world.between(0, 3_000))
    const name = director.world.pick(['gluster1', 'gluster2', 'gluster3'])
    director.cluster.cut(name, director.world.random() < 0.5)
    const healed = director.world.sleep(director.world.between(1_000, 90_000)).then(() => director.cluster.heal(name))
    await created
    await director.simple('teardown', 'alpha')
    await healed
  },

  'take over leadership': async (director) => {
    director.cluster.startScheduler('head2')
    const created = director.create('alpha', 2)
    await director.world.sleep(director.world.between(0, 1_500))
    director.head = 'head2'
    await created
    await director.setup('101', 2)
    const running = director.run('101', ['c1'])
    await director.world.sleep(director.world.between(0, 3_000))
    director.head = 'head1'
    await running
    await director.simple('teardown', '101')
    await director.simple('teardown', 'alpha')
  },

  'a leader is frozen past its lease': async (director) => {
    director.cluster.startScheduler('head2')
    const created = director.create('alpha', 2)
    await director.world.sleep(director.world.between(0, 1_500))
    const old = director.cluster.lives.get('scheduler head1')!
    director.cluster.tell('scheduler head1 freezes')
    old.freeze()
    director.head = 'head2'
    const more = director.setup('101', 3)
    await director.world.sleep(director.world.between(1_000, 40_000))
    director.cluster.tell('scheduler head1 wakes up')
    old.thaw()
    await created
    await more
    await director.run('101', ['c1'])
    await director.simple('teardown', '101')
    await director.simple('teardown', 'alpha')
  },

  'stage in and out': async (director) => {
    await director.setupStaging('101', [stageIn, stageOut])
    await director.run('101', ['c1'])
    await director.simple('teardown', '101')
  },

  'stage in to each node and out of it': async (director) => {
    const lines = [stageIn, stageOut].map((line) => line.replace('STRIPED', 'PRIVATE'))
    await director.setupStaging('101', lines, 'private')
    await director.run('101', computeHosts)
    await director.simple('teardown', '101')
  },

  'a stage-out fails and is retried': async (director) => {
    const { cluster, world } = director
    const fail = (failures: string[]) => {
      for (const machine of cluster.machines.values()) machine.staged.failures = failures
    }
    await director.setupStaging('101', [stageOut])
    await director.simple('data_in', '101')
    await director.preRun('101', ['c1'])
    await director.simple('post_run', '101')
    fail(['out: Permission denied'])
    await director.call(['data_out', '--token', '101'], /buffer is kept/)
    for (let tries = 0; tries < 3; tries++) await director.once(['teardown', '--token', '101'])
    fail([])
    await director.operate((known) => {
      const decided = retryTransfers(known, { token: '101' })
      return 'refused' in decided && /has failed/.test(decided.refused) ? { changes: [], result: {} } : decided
    })
    await world.sleep(world.between(0, 2_000))
    await director.simple('teardown', '101')
  },

  'torn down in a hurry while it stages': async (director) => {
    const { world } = director
    const one = async (token: string, direction: 'in' | 'out') => {
      await director.setupStaging(token, [direction === 'in' ? stageIn : stageOut])
      if (direction === 'out') {
        await director.simple('data_in', token)
        await director.preRun(token, ['c1'])
        await director.simple('post_run', token)
      }
      const staging = director.once([`data_${direction}`, '--token', token])
      await world.sleep(world.between(0, 4_000))
      await director.call(['teardown', '--token', token, '--hurry'], /token not found|No matching session/)
      await staging
    }
    await one('101', 'in')
    await one('102', 'out')
  },

  'lose a host while staging': async (director) => {
    const { cluster, world } = director
    await director.setupStaging('101', [stageIn, stageOut])
    const staged = director.run('101', ['c1'])
    await world.sleep(world.between(0, 9_000))
    const name = director.hostOf('101', world.between(0, 2))
    cluster.turnOff(name)
    await world.sleep(world.between(1_000, 90_000))
    cluster.turnOn(name)
    await staged
    await director.simple('teardown', '101')
  },

  'calls made twice': async (director) => {
    director.doubles = true
    await director.setup('101', 2)
    await director.run('101', computeHosts)
    await director.simple('teardown', '101')
  },

  'calls out of order': async (director) => {
    const { world } = director
    const job = ['--token', '101']
    const calls = [
      ['setup', ...job, '--user', '1001', '--groupid', '1001', '--capacity', `${pool}:2TB`],
      ['data_in', ...job],
      ['pre_run', ...job, '--nodehostnamefile', director.cluster.nodeFile(['c1'])],
      ['post_run', ...job],
      ['data_out', ...job],
      ['teardown', ...job],
      ['setup', ...job, '--user', '1001', '--groupid', '1001', '--capacity', `${pool}:3TB`],
    ]
    const made = Array.from({ length: 14 }, async () => {
      await world.sleep(world.between(0, 10_000))
      await director.once(world.pick(calls))
    })
    await Promise.all(made)
    await director.simple('teardown', '101')
  },
}
