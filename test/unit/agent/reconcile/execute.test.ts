import { expect } from 'chai'
import PQueue from 'p-queue'
import type { Host } from '../../../../src/agent/port/host.js'
import { describeStep, type Step } from '../../../../src/agent/port/steps.js'
import type { ReconcilerDependencies } from '../../../../src/agent/reconcile/document.js'
import { executeSteps } from '../../../../src/agent/reconcile/execute.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { keys } from '../../../../src/store/keys.js'
import { FakeEtcd } from '../../../../src/store/fake.js'
import { aDirectVolume } from '../../../support/desired.js'
import { HandClock } from '../../../support/handClock.js'

describe('the steps of a plan', () => {
  const volume = aDirectVolume()
  const stop = (device: string): Step => ({ kind: 'stopBrick', volume, device, pid: 7 })
  const start = (device: string): Step => ({ kind: 'startBrick', volume, device })
  const steps = [
    stop('nvme1n1'),
    stop('nvme2n1'),
    { kind: 'admitClients', volume } as const,
    start('nvme1n1'),
    start('nvme2n1'),
  ]

  /** What begins and ends; `fails`: the step that fails at once; `isChanged`: the document is another one by now. */
  async function play(
    fails?: string,
    { plan = steps, isChanged = false }: { plan?: readonly Step[]; isChanged?: boolean } = {},
  ): Promise<{ said: string[]; outcome: unknown }> {
    const clock = new HandClock()
    const etcd = new FakeEtcd(clock)
    const key = keys.desired('gluster1', 'volume', volume.volume)
    etcd.write([], [{ put: key, value: volume }])
    const entry = {
      id: volume.volume,
      kind: 'volume',
      document: volume,
      modRevision: etcd.read(key)!.modRevision,
    } as const
    if (isChanged) etcd.write([], [{ put: key, value: aDirectVolume({ wanted: 'absent' }) }])
    const said: string[] = []
    const effects = new Proxy({} as Host['effects'], {
      get: (_, kind: string) => async (step: Step & { device?: string }) => {
        const name = [kind, step.device].filter(Boolean).join(' ')
        said.push(`${name} begins`)
        if (name === fails) throw new Error(name)
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
        said.push(`${name} ends`)
      },
    })
    const host = { name: 'gluster1', effects } as unknown as Host
    const limit = new PQueue({ concurrency: 16 })
    const rest = { host, store: etcd.open(), clock, log: silentLog, limitOf: () => limit }
    const outcome = await executeSteps(entry, plan, () => true, rest as unknown as ReconcilerDependencies).catch(
      (error: Error) => error.message,
    )
    return { said, outcome }
  }

  it('run one after the other, but those of several bricks at once', async () => {
    const { said, outcome } = await play()
    expect(outcome, steps.map(describeStep).join()).to.equal(true)
    expect(said.map((line) => line.replace(/ nvme.n1/, ''))).to.deep.equal([
      ...['stopBrick begins', 'stopBrick begins', 'stopBrick ends', 'stopBrick ends'],
      ...['admitClients begins', 'admitClients ends'],
      ...['startBrick begins', 'startBrick begins', 'startBrick ends', 'startBrick ends'],
    ])
  })

  it('are none of them done when the document was changed, though several begin at once', async () => {
    const { said, outcome } = await play(undefined, { plan: steps.slice(-2), isChanged: true })
    expect([said, outcome]).to.deep.equal([[], false])
  })

  it('end with the first of several that fails, when the others have ended, and none follows', async () => {
    const { said, outcome } = await play('stopBrick nvme1n1')
    expect(outcome).to.equal('stopBrick nvme1n1')
    expect(said).to.have.members(['stopBrick nvme1n1 begins', 'stopBrick nvme2n1 begins', 'stopBrick nvme2n1 ends'])
  })
})
