import { expect } from 'chai'
import { agentConfig } from '../../../src/agent/config.js'
import { parseConfig } from '../../../src/daemon/configFile.js'

describe("the agent's setting for GlusterFS in a container", () => {
  const read = (gluster: string, roles = 'storage') =>
    parseConfig(
      'agent.yaml',
      `roles: [${roles}]\netcd: { endpoints: ['http://e:2379'], insecure: true }\ngluster: ${gluster}`,
      agentConfig,
    )

  it("names a container, and has the engine's usual socket", () => {
    expect(read('{ container: gluster }').gluster).to.deep.equal({
      container: 'gluster',
      socket: '/var/run/docker.sock',
    })
  })

  const refused: [string, string][] = [
    ['{}', 'gluster.container'],
    ['{ container: "../x" }', 'expected the name of a container, found "../x"'],
    ['{ container: gluster, socket: docker.sock }', 'gluster.socket: expected an absolute path, found "docker.sock"'],
    ['{ container: gluster, image: x }', 'unknown gluster.image'],
  ]
  for (const [setting, words] of refused) {
    it(`refuses ${setting}`, () => expect(() => read(setting)).to.throw(words))
  }

  it('refuses it on a host that runs no GlusterFS', () => {
    expect(() => read('{ container: gluster }', 'compute')).to.throw('roles: expected storage among them')
  })
})
