import { atOnce } from '../../../../../src/daemon/slices.js'
import { expect } from 'chai'
import { invalidAddresses } from '../../../../../src/scheduler/operators/messages.js'
import { startJob } from '../../../../../src/scheduler/admission/index.js'
import { desiredOfBuffer, desiredOfSession } from '../../../../../src/scheduler/desired/index.js'
import { maxBytes } from '../../../../../src/scheduler/dataplane/glusterd/authAllow.js'
import { orComputeNetworks, tooManyClients } from '../../../../../src/scheduler/dataplane/glusterd/messages.js'
import { hostsView } from '../../../../../src/scheduler/operators/hostViews.js'
import { collectionSchemas } from '../../../../../src/store/documents.js'
import {
  aBuffer,
  aCluster,
  aHost,
  aSession,
  brickReports,
  mountReport,
  volumeReport,
} from '../../../../support/builders.js'
import { glusterfsVolumeIn } from '../../../../support/desired.js'

const settings = { mountRoot: '/mnt/bb', adminClients: ['admin1'], computeNetworks: [] as string[] }
const compute = (name: string, alive = true) => aHost(name, { devices: 0, roles: ['compute'], alive })
const buffer = aBuffer({ name: '5', builtAt: 1 })
const running = aSession({ token: '5', buffer: '5', computeHosts: ['c1', 'c2'], stage: 'running' })
const mounted = { ...mountReport('c1', running, buffer), ...mountReport('c2', running, buffer) }

function allowed(session: typeof running, hosts: ReturnType<typeof aHost>[], observed = {}): string {
  const cluster = aCluster({
    hosts: hosts.some(({ host }) => host.host === 'gluster1') ? hosts : [aHost('gluster1'), ...hosts],
    buffers: [buffer],
    sessions: [session],
    observed: { ...brickReports(buffer), ...observed },
  })
  return glusterfsVolumeIn(desiredOfBuffer(cluster, buffer, settings)).options['auth.allow']!
}

describe('who may mount a buffer', () => {
  it('is nobody but its storage hosts and the operators before the job runs', () => {
    const waiting = { ...running, stage: 'staged-in', computeHosts: [] } as typeof running
    expect(allowed(waiting, [compute('c1')])).to.equal('admin1,gluster1')
  })

  it('is the nodes of the job while it runs', () => {
    expect(allowed(running, [compute('c1'), compute('c2'), compute('c3')])).to.equal('admin1,c1,c2,gluster1')
  })

  it('is by the addresses that were noted at pre_run', () => {
    const known = { ...running, addresses: { c1: ['10.0.0.1'], c2: ['10.0.0.2'] } }
    expect(allowed(known, [compute('c1'), compute('c2')])).to.equal('10.0.0.1,10.0.0.2,admin1,gluster1')
  })

  it('is by no words that are not an address, which the first release took for one', () => {
    for (const words of ['', 'a b', 'a,b', 'a|b', '/(c1)', '*', '1.2.3.4)', '-a', '::g']) {
      const odd = (name: string, addresses: string[]) => {
        const { host, ...rest } = aHost(name)
        return { ...rest, host: collectionSchemas.hosts.parse({ ...host, addresses }) }
      }
      const addresses = { c1: [words], c2: [words, '10.0.0.2'] }
      const session = collectionSchemas.sessions.parse({ ...running, addresses })
      const hosts = [odd('gluster1', [words]), compute('c1'), compute('c2')]
      expect(allowed(session, hosts), words).to.equal('10.0.0.2,admin1,c1,gluster1')
    }
  })

  it('is a node whose agent is away too, while the job runs', () => {
    expect(allowed(running, [compute('c1', false), compute('c2')], mounted)).to.equal('admin1,c1,c2,gluster1')
  })

  it('is a node after the job until it has let go, and not a lost one', () => {
    const ran = { ...running, stage: 'ran' } as typeof running
    expect(allowed(ran, [compute('c1'), compute('c2', false)], mounted)).to.equal('admin1,c1,gluster1')
    const letGo = { ...mounted, ...mountReport('c1', running, buffer, { state: 'absent' }) }
    expect(allowed(ran, [compute('c1'), compute('c2', false)], letGo)).to.equal('admin1,gluster1')
  })
})

describe('a host whose addresses are none', () => {
  it('is shown, with what is left out', () => {
    const host = collectionSchemas.hosts.parse({ ...aHost('c1').host, addresses: ['a b', '10.0.0.1'] })
    const [view] = atOnce(hostsView(aCluster({ hosts: [{ ...aHost('c1'), host }] })))
    expect(view!.problems).to.deep.equal([invalidAddresses(['a b'])])
  })
})

describe('a node of a job', () => {
  const hosts = [aHost('gluster1'), compute('c1'), compute('c2')]
  const records = (allow: string) => {
    const observed = { ...brickReports(buffer), ...volumeReport(buffer, { allow }) }
    const cluster = aCluster({ hosts, buffers: [buffer], sessions: [running], observed })
    return desiredOfSession(cluster, running, settings).map(({ host }) => host)
  }

  it('is not told to mount before the volume lets it in', () => {
    expect(records('admin1,gluster1')).to.deep.equal([])
    expect(records('admin1,c1,c2,gluster1')).to.deep.equal(['c1', 'c2'])
  })
})

describe('a job on more nodes than GlusterFS can name', () => {
  const names = Array.from({ length: 300 }, (_, index) => `a-node-of-some-name-${index}`)
  const session = aSession({ token: '5', buffer: '5', stage: 'staged-in' })
  const hosts = [aHost('gluster1'), ...names.map((name) => compute(name))]
  const start = (clients: typeof settings) =>
    startJob(aCluster({ hosts, buffers: [buffer], sessions: [session] }), { token: '5', computeHosts: names, clients })

  it('is refused, and told what helps', () => {
    const decision = start(settings)
    expect('refused' in decision && decision.refused).to.equal(
      tooManyClients(buffer.name, maxBytes, orComputeNetworks()),
    )
  })

  it('is let in by networks', () => {
    const clients = { ...settings, computeNetworks: ['10.0.0.0/8'] }
    expect(start(clients)).to.not.have.property('refused')
    const started = { ...session, computeHosts: names, stage: 'running' } as typeof session
    const cluster = aCluster({ hosts, buffers: [buffer], sessions: [started], observed: brickReports(buffer) })
    const volume = desiredOfBuffer(cluster, buffer, clients).find(({ kind }) => kind === 'volume')
    expect(volume?.document).to.have.nested.property('options.auth\\.allow', '10.0.0.0/8,admin1,gluster1')
  })
})
