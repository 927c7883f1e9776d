import { setTimeout as pause } from 'node:timers/promises'
import type { ServiceName } from '../../lab/common/hosts.js'
import { until } from '../../lab/common/until.js'
import { keysBelow } from '../support/bricks.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'
import { randomOf } from '../support/random.js'
import { SlurmAt } from '../support/slurm.js'

const seed = Number(process.env['SEED'] ?? 2001)

describe(`a program killed over jobs and persistent buffers, at moments of SEED=${seed}`, function () {
  this.timeout(labTestMs)
  const marred = 'marred'
  const lab = useFaultsLab({
    before: async () => {
      await slurm.createPersistent('alice', marred, '1TB')
      const [desired] = (await keysBelow(lab, 'desired/')).filter((key) => key.endsWith(`/volume/${marred}`))
      servedOn = desired!.split('/')[3]!
      killed = await brickProcess()
      await must(lab, servedOn, `kill -9 ${killed}`)
    },
  })
  const slurm = new SlurmAt(lab)
  const random = randomOf(seed)
  let servedOn: string
  let killed: string
  const brickProcess = () => must(lab, servedOn, `cat /run/gluster/vols/${marred}/*.pid`)

  const targets: [host: string, service: ServiceName][] = [
    ['gluster2', 'agent'],
    ['c1', 'agent'],
    ['head', 'scheduler'],
    ['head', 'etcd'],
    ['gluster3', 'glusterd'],
  ]
  for (const [host, service] of targets) {
    it(`${service} on ${host}: job and buffer are made as if nothing had been`, async () => {
      const name = `over-${service}-${host}`
      const job = await slurm.submit('bob', ...writing)
      const made = await slurm.submit(
        'alice',
        `#BB create_persistent name=${name} capacity=2TB access=striped type=scratch`,
      )
      await pause(random.below(3000))
      await lab.stopService(host, service, 'KILL')
      await lab.startService(host, service)
      await Promise.all([slurm.untilCompleted(job), slurm.untilCompleted(made)])
      await slurm.destroyPersistent('alice', name)
      await expectNothingLost(lab)
    })
  }

  it('etcd stopped for half a minute: calls of Slurm wait for it, and no job is held', async () => {
    const job = await slurm.submit('bob', ...writing)
    await lab.stopService('head', 'etcd', 'KILL')
    await pause(30_000)
    await lab.startService('head', 'etcd')
    await slurm.untilCompleted(job)
    await expectNothingLost(lab)
  })

  it('the leading scheduler, for good, while a buffer is made: the one that stands by makes it', async () => {
    const name = 'taken-over'
    await lab.startService('head', 'standby')
    const made = await slurm.submit(
      'alice',
      `#BB create_persistent name=${name} capacity=2TB access=striped type=scratch`,
    )
    await until({ what: 'it is placed' }, async () => (await keysBelow(lab, `buffers/${name}`)).length > 0)
    await lab.stopService('head', 'scheduler', 'KILL')
    const show = `node /opt/burstbuffer/dist/cli/bbctl.js --socket /run/burstbuffer/standby.sock show ${name} --json`
    const seen = () => must(lab, 'head', show)
    await until({ what: `${name} is ready`, deadlineMs: 90_000, seen }, async () =>
      /"phase": ?"ready"/.test(await seen()),
    )
    await lab.startService('head', 'scheduler')
    await slurm.untilCompleted(made)
    await lab.stopService('head', 'standby')
    await slurm.destroyPersistent('alice', name)
    await expectNothingLost(lab)
  })

  it('a brick process: another serves the brick', async () => {
    await until({ what: 'another brick process', deadlineMs: 150_000, seen: brickProcess }, async () => {
      return (await brickProcess()) !== killed
    })
    await slurm.destroyPersistent('alice', marred)
    await expectNothingLost(lab)
  })

  const writing = [
    '#DW jobdw type=scratch access_mode=striped capacity=2TB',
    'set -e; cd $DW_JOB_STRIPED; head -c 1M /dev/urandom >x; cp x y; sync x y; cmp x y',
  ]
})
