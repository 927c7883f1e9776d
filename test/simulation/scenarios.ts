import { computeHosts, pool } from './cluster.js'
import type { Scenario } from './director.js'
import { directScenarios } from './directScenarios.js'
import { nameServiceScenarios } from './nameServiceScenarios.js'
import { leftoverScenarios } from './leftoverScenarios.js'
import { emptyFiles } from '../../src/simulated/machine.js'
import { spareScenarios } from './spareScenarios.js'
import { slurmScenarios } from './slurmScenarios.js'
import { stagingScenarios } from './stagingScenarios.js'
import { swapScenarios } from './swapScenarios.js'
import { trustedPoolScenarios } from './trustedPoolScenarios.js'

function isBrick({ key }: { key: string }): boolean {
  return key.split('/')[2] === 'brick'
}

const onGlusterd: Record<string, Scenario> = {
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

  'jobs share a persistent buffer on one node': async (director) => {
    const { world } = director
    await director.create('alpha', 2)
    const use = async (token: string, afterMs: number) => {
      await director.setup(token, 0, ['alpha'])
      await world.sleep(afterMs)
      await director.run(token, ['c1'])
      await director.simple('teardown', token)
    }
    await Promise.all(['101', '102', '103'].map((token) => use(token, world.between(0, 6_000))))
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

  'disks change places before they are formatted': async (director) => {
    const { cluster, world } = director
    const created = director.create('alpha', 3)
    await director.until('a brick to be wanted', () => cluster.etcd.list('desired/').entries.some(isBrick))
    const name = cluster.etcd.list('desired/').entries.find(isBrick)!.key.split('/')[1]!
    const { disks } = cluster.machines.get(name)!
    const change = async () => {
      cluster.turnOff(name)
      const [a, b] = [disks.get('nvme1n1')!, disks.get('nvme2n1')!]
      disks.set('nvme1n1', b).set('nvme2n1', a)
      await world.sleep(world.between(100, 5_000))
      cluster.turnOn(name)
    }
    await change()
    await created
    await change()
    await director.simple('teardown', 'alpha')
  },

  'a disk of a built buffer is wiped by hand': async (director) => {
    const { cluster, world } = director
    await director.create('alpha', 2)
    const name = director.hostOf('alpha')
    cluster.turnOff(name)
    const disk = [...cluster.machines.get(name)!.disks.values()].find(({ content }) => content.kind === 'xfs')!
    cluster.tell(`somebody wipes ${disk.identity}`)
    cluster.invariants.lose(disk)
    disk.content = { kind: 'blank' }
    disk.files = emptyFiles()
    await world.sleep(world.between(100, 60_000))
    cluster.turnOn(name)
    await world.sleep(world.between(1_000, 90_000))
    await director.simple('teardown', 'alpha')
  },

  'the devices of a pool are overwritten until it says otherwise': async (director) => {
    const { cluster, world } = director
    cluster.promise('zero')
    await director.create('alpha', 2)
    await director.setup('101', 2)
    cluster.promise('discard')
    const job = director.simple('teardown', '101')
    await world.sleep(world.between(0, 2_000))
    await director.simple('teardown', 'alpha')
    // The name is free before the last device is wiped.
    await director.create('alpha', 1)
    await job
    await director.simple('teardown', 'alpha')
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

  'a leader is frozen while somebody keeps its lease alive': async (director) => {
    const { cluster, world } = director
    cluster.startScheduler('head2')
    const created = director.create('alpha', 2)
    await world.sleep(world.between(0, 1_500))
    const old = cluster.lives.get('scheduler head1')!
    cluster.tell('scheduler head1 freezes')
    old.freeze()
    let isKept = true
    const first = cluster.etcd.read('leader')?.createRevision
    const keep = async () => {
      while (isKept && cluster.etcd.read('leader')?.createRevision === first) {
        cluster.etcd.keepAlive('leader', 10)
        await world.sleep(2_000)
      }
    }
    const kept = keep()
    director.head = 'head2'
    await director.setup('101', 3)
    const running = director.run('101', ['c1'])
    await world.sleep(world.between(0, 3_000))
    cluster.tell('scheduler head1 wakes up')
    old.thaw()
    isKept = false
    await kept
    await created
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

  ...leftoverScenarios,
  ...nameServiceScenarios,
  ...slurmScenarios,
  ...spareScenarios,
  ...stagingScenarios,
  ...swapScenarios,
}

/** What depends on how buffers are served. */
const alsoOnDirect = [
  'create and delete',
  'use',
  'several at once',
  'replace a bad disk',
  'a disk of a built buffer is wiped by hand',
  'lose a host while in use',
  'lose a host while deleting and use its name again',
  'calls out of order',
  'stage in to each node and out of it',
  'lose a host in the middle of a copy',
  'jobs that swap',
  'a node cannot unmount',
  'jobs on spares',
  'jobs come while spares are made and given back',
  'lose a host with spares',
]

export const scenarios: Record<string, Scenario> = {
  ...onGlusterd,
  ...trustedPoolScenarios,
  ...directScenarios(Object.fromEntries(alsoOnDirect.map((name) => [name, onGlusterd[name]!]))),
}
