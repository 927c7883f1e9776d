import { expect } from 'chai'
import { BrickMarked, Refusal } from '../../../src/agent/port/host.js'
import { systemClock } from '../../../src/daemon/clock.js'
import type { DesiredBrick } from '../../../src/model/documents/brick.js'
import type { GlusterfsVolume } from '../../../src/model/documents/volume.js'
import { SimulatedGluster } from '../../../src/simulated/gluster.js'
import { simulatedHost } from '../../../src/simulated/host.js'
import { aMachine, turnOff, turnOn } from '../../../src/simulated/machine.js'
import { type Pace, SteadyPace } from '../../../src/simulated/pace.js'
import { aUuid } from '../../support/builders.js'

const uuid = aUuid(1)

/** Everything at once. */
const noPace: Pace = {
  look: (_host, _kind, act) => Promise.resolve(act()),
  effect: (_host, _step, acts) => Promise.resolve().then(() => acts.forEach((act) => act())),
}

describe('a simulated host', () => {
  it('makes a brick, step by step, and shows it as the real one does', async () => {
    const { host, machine } = aCluster()
    await build(host)
    const facts = await host.observe.brick(aBrick())
    expect(facts.mounted).to.deep.equal({ thisDevice: true, readOnly: false, source: '/dev/nvme1n1' })
    expect(facts.stamp).to.equal(uuid)
    expect(facts.directories).to.deep.equal(['brick'])
    expect(machine.disks.get('nvme1n1')!.content).to.deep.include({ kind: 'xfs', uuid, inProgress: false })
  })

  it('refuses to format what is not blank, and leaves it as it is', async () => {
    const { host, machine } = aCluster()
    const disk = machine.disks.get('nvme1n1')!
    disk.content = { kind: 'other', what: 'a signature of ext4' }
    await expectRefusal(host.effects.formatBrick({ brick: aBrick(), over: 'blank' }), 'holds a signature of ext4')
    expect(disk.content).to.deep.equal({ kind: 'other', what: 'a signature of ext4' })
  })

  it('refuses to wipe the brick of another', async () => {
    const { host } = aCluster()
    await build(host)
    await host.effects.unmountBrick({ brick: aBrick() })
    await expectRefusal(host.effects.wipeBrick({ brick: { ...aBrick(), uuid: aUuid(2) } }), 'holds the brick')
  })

  it('keeps what is on the disks through a power cut, and nothing else', async () => {
    const { host, machine } = aCluster()
    await build(host)
    turnOff(machine)
    turnOn(machine)
    const facts = await host.observe.brick(aBrick())
    expect(facts.mounted).to.equal(undefined)
    expect(facts.device).to.deep.include({ present: true, content: { ...machine.disks.get('nvme1n1')!.content } })
    await host.effects.mountBrick({ brick: aBrick() })
    expect((await host.observe.brick(aBrick())).stamp).to.equal(uuid)
  })

  it('does not unmount a brick that a volume is served from', async () => {
    const { host } = aCluster()
    await build(host)
    await host.effects.createVolume({ volume: aVolume })
    await host.effects.startVolume({ volume: aVolume, force: false })
    const error = await failureOf(host.effects.unmountBrick({ brick: aBrick() }))
    expect(error.message).to.match(/glusterfsd [0-9]+ still serves the brick on nvme1n1/)
  })

  it('refuses a second volume on a brick directory that a create has marked', async () => {
    const { host } = aCluster()
    await build(host)
    await host.effects.createVolume({ volume: aVolume })
    const error = await failureOf(host.effects.createVolume({ volume: { ...aVolume, volume: 'other' } }))
    expect(error).to.be.instanceOf(BrickMarked)
  })

  it('fails as often as it was told to, on that device alone', async () => {
    const pace = new SteadyPace(systemClock)
    pace.add({ step: 'formatBrick', device: 'nvme1n1', times: 1, error: new Error('told to fail') })
    const { host } = aCluster(pace)
    const format = (device: string) =>
      host.effects.formatBrick({ brick: { ...aBrick(device), uuid: aUuid(device.length) }, over: 'blank' })
    expect((await failureOf(format('nvme1n1'))).message).to.equal('told to fail')
    await format('nvme2n1')
    await format('nvme1n1')
  })
})

function aCluster(pace: Pace = noPace) {
  const machine = aMachine({ name: 'gluster1', disks: 2 })
  const gluster = new SimulatedGluster(new Map([[machine.name, machine]]))
  return { machine, gluster, host: simulatedHost({ machine, gluster, pace, clock: systemClock }) }
}

function aBrick(device = 'nvme1n1'): DesiredBrick {
  return {
    v: 1,
    fence: 1,
    kind: 'brick',
    buffer: { id: 1, name: 'mytest' },
    device,
    identity: `serial:gluster1-${device}`,
    sizeBytes: 1e12,
    uuid,
    directory: 'brick',
    uid: 1001,
    gid: 1001,
    mode: 0o700,
    wanted: 'present',
  }
}

const aVolume: GlusterfsVolume = {
  v: 1,
  fence: 1,
  kind: 'volume',
  buffer: { id: 1, name: 'mytest' },
  volume: 'mytest',
  bricks: [{ host: 'gluster1', path: '/data/glusterfs/nvme1n1/brick' }],
  options: {},
  wanted: 'started',
}

async function build(host: ReturnType<typeof aCluster>['host']): Promise<void> {
  const brick = aBrick()
  await host.effects.formatBrick({ brick, over: 'blank' })
  await host.effects.mountBrick({ brick })
  await host.effects.stampBrick({ brick })
  await host.effects.makeBrickDirectory({ brick })
}

async function expectRefusal(effect: Promise<void>, words: string): Promise<void> {
  const error = await failureOf(effect)
  expect(error).to.be.instanceOf(Refusal)
  expect(error.message).to.include(words)
}

async function failureOf(effect: Promise<void>): Promise<Error> {
  return effect.then(
    () => expect.fail('it succeeded'),
    (error: Error) => error,
  )
}
