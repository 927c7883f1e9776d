import { expect } from 'chai'
import { type Inspected, judge } from '../../../../../../src/agent/host/dataplane/glusterd/containerState.js'

/** A container as the engine shows it: running, and it sees the bricks. */
function inspected(
  state: Partial<Inspected['State']> = {},
  mounts: Partial<Inspected['Mounts'][0]>[] = [{}],
): Inspected {
  const seen = { Source: '/data/glusterfs', Destination: '/data/glusterfs', Propagation: 'rshared' }
  return {
    State: { Status: 'running', ExitCode: 0, Error: '', ...state },
    Mounts: mounts.map((mount) => ({ ...seen, ...mount })),
  }
}

describe("what GlusterFS's container is waited for", () => {
  it('is nothing when it runs and sees the bricks', () => {
    expect(judge('g', inspected())).to.deep.equal({})
    expect(judge('g', inspected({ Health: { Status: 'healthy' } }))).to.deep.equal({})
    expect(judge('g', inspected({}, [{ Source: '/data', Destination: '/data' }]))).to.deep.equal({})
    expect(judge('g', inspected({}, [{ Propagation: 'rslave' }]))).to.deep.equal({})
  })

  it('is its start when it is stopped, by us', () => {
    for (const state of [{ Status: 'created' }, { Status: 'exited', ExitCode: 3 }]) {
      expect(judge('g', inspected(state)).start).to.equal(true)
    }
    expect(judge('g', inspected({ Status: 'exited', ExitCode: 3 })).waitingFor).to.contain('ended with exit code 3')
  })

  const others: [string, Inspected | undefined, string][] = [
    ['missing', undefined, 'container g to be made: the engine has none of that name'],
    ['restarting', inspected({ Status: 'restarting', ExitCode: 7 }), 'it ended with exit code 7'],
    ['paused', inspected({ Status: 'paused' }), 'container g to be unpaused'],
    ['dead', inspected({ Status: 'dead' }), 'the engine calls it dead'],
    ['unhealthy', inspected({ Health: { Status: 'unhealthy' } }), 'its health check fails'],
    ['not yet healthy', inspected({ Health: { Status: 'starting' } }), 'has not passed yet'],
    ['without the bricks', inspected({}, []), 'the bind mount /data/glusterfs:/data/glusterfs:rshared'],
    ['with the bricks elsewhere', inspected({}, [{ Destination: '/bricks' }]), 'to see the bricks'],
    ['without propagation', inspected({}, [{ Propagation: 'rprivate' }]), 'to see the bricks'],
    [
      'with a name alike',
      inspected({}, [{ Source: '/data/gluster', Destination: '/data/gluster' }]),
      'to see the bricks',
    ],
  ]
  for (const [what, seen, words] of others) {
    it(`is said, and nothing done, when it is ${what}`, () => {
      const judgement = judge('g', seen)
      expect(judgement.start).to.equal(undefined)
      expect(judgement.waitingFor).to.contain(words)
    })
  }
})
