import { expect } from 'chai'
import { swapDoesNotFit } from '../../../../src/scheduler/placement/messages.js'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import { type JobRequest, admitJob, startJob } from '../../../../src/scheduler/admission/index.js'
import { schedulerConfig } from '../../../../src/scheduler/config.js'
import { aBuffer, aCluster, aHost, alice, aSession, pool, terabyte, uuids } from '../../../support/builders.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const config = schedulerConfig.parse({
  cluster: 'test',
  etcd: { endpoints: ['http://etcd:2379'], insecure: true },
  pools: { [pool]: { granularity: terabyte } },
  storageHosts: ['gluster*'],
  swap: true,
})
const hosts = [aHost('gluster1', { devices: 8 }), aHost('c1', { devices: 0, roles: ['compute'] })]
const asked: JobRequest = { token: '5', ...alice, pool: undefined, bytes: terabyte, access: [], uses: [] }

function setup(swap: JobRequest['swap'], parts: Partial<JobRequest> = {}, cluster = aCluster({ hosts })) {
  const request = { ...asked, ...parts, ...(swap ? { swap } : {}) }
  return admitJob(cluster, request, { config, now: 1, newUuid: uuids() })
}

function made(...args: Parameters<typeof setup>): BufferDocument {
  const decision = setup(...args)
  if ('refused' in decision) throw new Error(decision.refused)
  return decision.changes.flatMap((change) =>
    change.kind === 'buffer' && change.document ? [change.document] : [],
  )[0]!
}

describe('the buffer of a job with swap', () => {
  const swap = { bytes: 400e9, nodes: 1, filesBytes: 0 }

  it('is there for swap alone, without a namespace for users', () => {
    const { access, swapBytes, bricks } = made(swap)
    expect([access, swapBytes, bricks.length]).to.deep.equal([[], 400e9, 1])
  })

  it('holds what was asked for files and, beside it, the swap of the nodes that are known', () => {
    const bricks = (nodes: number, filesBytes: number, bytes: number) =>
      made({ ...swap, nodes, filesBytes }, { bytes }).bricks.length
    // What Slurm accounts is one slot for swap, whatever its size.
    expect(bricks(1, 3e12, 4e12)).to.equal(4)
    expect(bricks(3, 3e12, 4e12)).to.equal(5)
    expect(bricks(3, 0, 1e12)).to.equal(2)
  })

  it('is the same when setup comes again and the nodes are known only then, and another with other swap', () => {
    const buffer = made({ ...swap, nodes: 3 })
    const session = aSession({ token: '5', buffer: '5' })
    const standing = aCluster({ hosts, buffers: [buffer], sessions: [session] })
    expect(setup(swap, {}, standing)).to.have.property('changes').that.is.empty
    expect(setup({ ...swap, bytes: 1e9 }, {}, standing))
      .to.have.property('refused')
      .that.equals(messages.swapDiffers('job 5'))
  })

  it('turns a job away that came to more nodes than it holds swap for', () => {
    const buffer = aBuffer({ name: '5', builtAt: 1, access: [], swapBytes: 600e9 })
    const session = aSession({ token: '5', buffer: '5', stage: 'staged-in' })
    const two = [...hosts, aHost('c2', { devices: 0, roles: ['compute'] })]
    const cluster = aCluster({ hosts: two, buffers: [buffer], sessions: [session] })
    const start = (computeHosts: string[]) => startJob(cluster, { token: '5', computeHosts, clients: config })
    expect(start(['c1'])).to.have.property('changes')
    expect(start(['c1', 'c2']))
      .to.have.property('refused')
      .that.equals(swapDoesNotFit(600e9, 2, 1e12, 1))
  })
})
