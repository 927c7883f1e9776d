import { expect } from 'chai'
import { transferRoot } from '../../../src/model/cluster.js'
import { pathOverlaps, storageExpected } from '../../../src/agent/messages.js'
import { agentConfig } from '../../../src/agent/config.js'
import { parseConfig } from '../../../src/daemon/configFile.js'

describe("the agent's setting of stage paths", () => {
  const read = (paths: string, roles = 'storage') =>
    parseConfig(
      'agent.yaml',
      `roles: [${roles}]\netcd: { endpoints: ['http://e:2379'], insecure: true }\nstagePaths: ${paths}`,
      agentConfig,
    ).stagePaths

  it('lists paths', () => expect(read('[/lustre, /home]')).to.deep.equal(['/lustre', '/home']))

  for (const path of ['/', '/data', '/data/', '/data/glusterfs', '/data/glusterfs/nvme1n1/brick']) {
    it(`refuses ${path}, where bricks lie`, () => {
      expect(() => read(`[${path}]`)).to.throw(`stagePaths.0: ${pathOverlaps('/data/glusterfs')}`)
    })
  }

  it('refuses what leads to the buffers that others stage to', () => {
    expect(() => read('[/run]')).to.throw(pathOverlaps(transferRoot))
  })

  it('takes a path that only begins alike', () => expect(read('[/data/gluster]')).to.deep.equal(['/data/gluster']))

  it('refuses a relative path', () => expect(() => read('[lustre]')).to.throw('expected an absolute path'))

  it('refuses them on a host that has no volumes', () => {
    expect(() => read('[/lustre]', 'compute')).to.throw(`roles: ${storageExpected('stagePaths')}`)
  })
})
