import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import type { BufferDocument } from '../../src/model/documents/buffer.js'
import type { HostDocument } from '../../src/model/documents/host.js'
import { bricksOf, keysBelow, untilDevice } from '../support/bricks.js'
import { enduring, expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { buffersOf, must, untilPhase } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

describe('a host that is lost and comes back', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)

  it('a storage host cut off: its buffer is degraded, and ready again when it is healed', async () => {
    await lab.cut('gluster2')
    try {
      await untilPhase(lab, enduring, 'degraded')
    } finally {
      await lab.heal('gluster2')
    }
    await expectNothingLost(lab)
  })

  it('a storage host rebooted: its bricks are mounted again, and nothing is formatted', async () => {
    const boot = async () => {
      const shown = await must(lab, 'head', 'etcdctl get --print-value-only /burstbuffer/hosts/gluster3')
      return shown === '' ? undefined : (JSON.parse(shown) as HostDocument).boot
    }
    const before = await boot()
    await lab.kill('gluster3')
    await lab.start('gluster3')
    // Its key of before may outlive a short absence.
    await until({ what: 'its agent is back' }, async () => ![undefined, before].includes(await boot()))
    await untilPhase(lab, enduring, 'ready')
    // Not a moment later: what was reported before the reboot must not count.
    const status = await must(lab, 'gluster1', `gluster --xml volume status ${enduring}`)
    const online = [...status.matchAll(/<hostname>gluster\d<\/hostname>[\s\S]*?<status>(\d)<\/status>/g)]
    expect(online.map(([, up]) => up).join(), 'bricks online').to.equal('1,1,1')
    await expectNothingLost(lab)
  })

  it('a storage host that is dead when a buffer is destroyed: the name is free, its disk is not until it has cleaned up', async () => {
    const name = 'away'
    await slurm.createPersistent('alice', name, '3TB')
    const [left] = (await bricksOf(lab, name)).filter(({ host }) => host === 'gluster3')
    await lab.kill('gluster3')
    try {
      await untilPhase(lab, name, 'degraded')
      await slurm.destroyPersistent('alice', name)
      const blocked = (await buffersOf(lab)).filter((buffer) => buffer.name === name)
      expect(blocked.map(({ phase }) => phase)).to.deep.equal(['blocked'])
      expect(await keysBelow(lab, `desired/gluster3/brick/${left!.device}`), 'its disk is taken').to.have.lengthOf(1)
      await slurm.createPersistent('alice', name, '2TB')
      const places = (await lab.exec('head', ['etcdctl', 'get', '--print-value-only', `/burstbuffer/buffers/${name}`]))
        .stdout
      expect((JSON.parse(places) as BufferDocument).bricks.map(({ host }) => host)).to.not.include('gluster3')
    } finally {
      await lab.start('gluster3')
    }
    await untilDevice(lab, 'gluster3', left!.device, 'blank')
    await slurm.destroyPersistent('alice', name)
    await until({ what: 'both are gone', deadlineMs: 120_000 }, async () => {
      return (await buffersOf(lab)).every(({ name }) => name === enduring)
    })
    await expectNothingLost(lab)
  })

  it('a compute node that dies with a buffer mounted: the buffer goes when the job does', async () => {
    const body = ['#SBATCH --no-requeue --nodelist=c2', '#DW jobdw type=scratch access_mode=striped capacity=1TB']
    const job = await slurm.submit('bob', ...body, 'sleep 600')
    await slurm.untilJob(job, /JobState=RUNNING/)
    await lab.kill('c2')
    await lab.exec('head', ['scancel', job])
    await lab.start('c2')
    await slurm.untilJob(job, /JobState=(CANCELLED|NODE_FAIL|FAILED)/)
    await until({ what: `buffer ${job} is gone`, deadlineMs: 150_000 }, async () => {
      return (await buffersOf(lab)).every(({ name }) => name !== job)
    })
    await expectNothingLost(lab)
  })
})
