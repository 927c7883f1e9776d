import { noFailedTransfer, noStageOut } from '../../src/scheduler/admission/messages.js'
import { dropTransfers, retryTransfers } from '../../src/scheduler/admission/index.js'
import type { SessionDocument } from '../../src/model/documents/session.js'
import type { DesiredTransfer, ObservedTransfer } from '../../src/model/documents/transfer.js'
import { computeHosts } from './cluster.js'
import type { Director, Scenario } from './director.js'

const stageIn = '#DW stage_in type=directory source=/lustre/in destination=$DW_JOB_STRIPED/in'
const stageOut = '#DW stage_out type=directory source=$DW_JOB_STRIPED/out destination=/lustre/out'

/** A host that was told to copy a share of that job, and has not reported that it is done. */
function hostCopying({ cluster }: Director, token: string): string | undefined {
  const told = cluster.etcd.list('desired/').entries.find(({ key, value }) => {
    const { kind, part, wanted, session } = value as Partial<DesiredTransfer>
    if (kind !== 'transfer' || part !== 'copy' || wanted !== 'done' || session?.token !== token) return false
    const report = cluster.etcd.read(key.replace('desired/', 'observed/'))?.value as
      Partial<ObservedTransfer> | undefined
    return report?.part !== 'copy' || report.state === 'working'
  })
  return told?.key.split('/')[1]
}

/** undefined when it was over before anybody looked. */
async function untilCopying(director: Director, token: string): Promise<string | undefined> {
  const session = () => director.cluster.etcd.read(`sessions/${token}`)?.value as Partial<SessionDocument> | undefined
  const isOver = () => session()?.transfers?.every(({ ended }) => ended !== undefined) === true
  await director.until('a copy under way', () => hostCopying(director, token) !== undefined || isOver())
  return hostCopying(director, token)
}

export const stagingScenarios: Record<string, Scenario> = {
  'stage in and out': async (director) => {
    await director.setupStaging('101', [stageIn, stageOut])
    await director.run('101', ['c1'])
    await director.simple('teardown', '101')
  },

  'a job is started before it is staged in': async (director) => {
    await director.setupStaging('101', [stageIn])
    const staged = director.simple('data_in', '101')
    await untilCopying(director, '101')
    await director.once(['pre_run', '--token', '101', '--nodehostnamefile', director.cluster.nodeFile(['c1'])])
    await staged
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
      return 'refused' in decided && decided.refused === noFailedTransfer('101') ? { changes: [], result: {} } : decided
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

  'lose a host in the middle of a copy': async (director) => {
    const { cluster, world } = director
    await director.setupStaging('101', [world.pick([stageIn, stageOut])])
    const running = director.run('101', ['c1'])
    const name = await untilCopying(director, '101')
    if (name !== undefined) {
      await world.sleep(world.between(0, 60))
      cluster.turnOff(name)
      await world.sleep(world.between(1_000, 90_000))
      cluster.turnOn(name)
    }
    await running
    await director.simple('teardown', '101')
  },

  'data that a lost host cannot stage out is given up': async (director) => {
    const { cluster, world } = director
    await director.setupStaging('101', [stageOut])
    await director.simple('data_in', '101')
    await director.preRun('101', ['c1'])
    await director.simple('post_run', '101')
    const staging = director.simple('data_out', '101')
    const name = (await untilCopying(director, '101')) ?? director.hostOf('101')
    cluster.turnOff(name)
    for (let tries = 0; tries < 3; tries++) {
      await world.sleep(world.between(0, 20_000))
      await director.once(['teardown', '--token', '101'])
    }
    await director.operate((known) => {
      const decided = dropTransfers(known, { token: '101', who: 'operator', now: 1 })
      return 'refused' in decided && decided.refused === noStageOut('101') ? { changes: [], result: {} } : decided
    })
    const back = world.sleep(world.between(1_000, 90_000)).then(() => cluster.turnOn(name))
    await director.simple('teardown', '101')
    await back
    await staging
  },
}
