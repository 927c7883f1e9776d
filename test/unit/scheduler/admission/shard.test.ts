import { expect } from 'chai'
import { setupJob } from '../../../../src/scheduler/admission/index.js'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import { alice, aCluster, aHost, pool, terabyte } from '../../../support/builders.js'

describe('files in pieces', () => {
  const shardBytes = 64 * 1024 ** 2
  const made = (access: BufferDocument['access'], config: object) => {
    const context = {
      config: { pools: { [pool]: { granularityBytes: terabyte, isDefault: true, ...config } } },
      now: 1,
      newUuid: () => '00000000-0000-4000-8000-000000000001',
    } as unknown as Parameters<typeof setupJob>[2]
    const request = { token: '7', ...alice, pool: undefined, bytes: terabyte, access, uses: [] }
    const decision = setupJob(aCluster({ hosts: [aHost('gluster1')] }), request, context)
    const changes = 'changes' in decision ? decision.changes : []
    const found = changes.flatMap((change) => (change.kind === 'buffer' && change.document ? [change.document] : []))
    return found[0]?.shardBytes
  }

  it('are for private access alone, in a pool that says so', () => {
    expect(made(['private'], { shardBytes })).to.equal(shardBytes)
    expect(made(['private'], {})).to.equal(undefined)
  })

  it('are never for files that several nodes may write', () => {
    expect(made(['striped'], { shardBytes })).to.equal(undefined)
    expect(made(['striped', 'private'], { shardBytes })).to.equal(undefined)
  })
})
