import { expect } from 'chai'
import PQueue from 'p-queue'
import type { Host } from '../../../../src/agent/port/host.js'
import { byName } from '../../../../src/agent/reconcile/oneByOne.js'
import type { ReconcilerDependencies } from '../../../../src/agent/reconcile/document.js'
import { Reconciler } from '../../../../src/agent/reconcile/reconciler.js'
import { silentLog } from '../../../../src/daemon/log.js'
import type { DesiredVolume } from '../../../../src/model/documents/volume.js'
import { levels } from '../../../../src/model/levels.js'
import { keys } from '../../../../src/store/keys.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { until } from '../../../../lab/common/until.js'
import { HandClock } from '../../../support/handClock.js'

describe('a brick that does not come back', () => {
  const volume: DesiredVolume = {
    v: 1,
    fence: 1,
    kind: 'volume',
    buffer: { id: 10, name: 'mine' },
    volume: 'mine',
    bricks: [{ host: 'gluster1', path: '/data/glusterfs/nvme1n1/brick' }],
    options: {},
    wanted: 'started',
  }
  const brick = 'gluster1:/data/glusterfs/nvme1n1/brick'

  it('is reported, and started by force with pauses between', async () => {
    const clock = new HandClock()
    const etcd = new FakeEtcd(clock)
    const key = keys.desired('gluster1', 'volume', 'mine')
    etcd.write([], [{ put: key, value: volume }])
    let offline: string[] = []
    let starts = 0
    const facts = () => ({ exists: true, status: 'started', bricks: [brick], options: {}, directories: [], offline })
    const startVolume = () => Promise.resolve(void starts++)
    const host = {
      name: 'gluster1',
      observe: { volume: () => Promise.resolve({ ...facts(), connectedPeers: [] }) },
      effects: { startVolume },
    } as unknown as Host
    const one = new PQueue({ concurrency: 1 })
    const dependencies: ReconcilerDependencies = {
      host,
      roles: ['storage'],
      store: etcd.open(),
      clock,
      log: silentLog,
      level: () => levels.highest,
      refreshInventory: () => Promise.resolve(),
      oneByOne: byName(),
      limitOf: () => one,
      onBrickReady: () => {},
    }
    const entry = { id: 'mine', kind: 'volume', document: volume, modRevision: etcd.read(key)!.modRevision } as const
    const reconciler = new Reconciler(entry, entry, dependencies, () => {})
    const untilReported = (state: string) =>
      until({ what: `the volume is reported ${state}` }, () => {
        const value = etcd.read(keys.observed('gluster1', 'volume', 'mine'))?.value
        return Promise.resolve((value as { state?: string } | undefined)?.state === state ? value : undefined)
      })
    await untilReported('started')
    offline = [brick]
    reconciler.wake()
    expect(await untilReported('degraded')).to.deep.include({ offline: [brick] })
    await until({ what: 'a pause' }, () => Promise.resolve(starts > 0 || undefined))
    await reconciler.stop()
    expect(starts).to.equal(1)
  })
})
