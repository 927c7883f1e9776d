import { expect } from 'chai'
import fc from 'fast-check'
import { silentLog } from '../../../../src/daemon/log.js'
import type { Cluster } from '../../../../src/model/cluster.js'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import type { SessionDocument } from '../../../../src/model/documents/session.js'
import { hostsOf, volumesOf } from '../../../../src/model/volumes.js'
import { sharedDisks, takenDevices } from '../../../../src/scheduler/cluster/devices.js'
import { type AssumedDocument, ClusterDocuments } from '../../../../src/scheduler/cluster/documents.js'
import { countSpace, spaceOf } from '../../../../src/scheduler/cluster/space.js'
import { keys, parseKey } from '../../../../src/store/keys.js'
import { aBuffer, aCordon, aHost, aSession, pool, terabyte } from '../../../support/builders.js'
import { aDesiredBrick, aDesiredMount } from '../../../support/desired.js'
import { countMounts } from '../../../support/mountCounts.js'

const hostNames = ['gluster1', 'gluster2', 'gluster10', 'other']
const deviceNames = ['nvme1n1', 'nvme2n1', 'nvme10n1']
const requests = [
  { pool, granularityBytes: terabyte },
  { pool, granularityBytes: 2 * terabyte, wipe: 'sanitize' as const },
  { pool: 'slow', granularityBytes: terabyte },
]

/** What etcd holds, as the scheduler takes it in. */
class Documents extends ClusterDocuments {
  private revision = 0

  constructor() {
    super(silentLog, ['gluster*'])
  }

  change(key: string, value: object | undefined): void {
    const modRevision = ++this.revision
    const entry = value && { key, value: structuredClone(value), createRevision: modRevision, modRevision }
    this.take(parseKey(key)!, key, entry)
  }
}

const host = fc.constantFrom(...hostNames)
const place = fc.tuple(host, fc.constantFrom(...deviceNames)).map((parts) => parts.join('/'))
const device = fc.record({
  name: fc.constantFrom(...deviceNames),
  pool: fc.constantFrom(pool, pool, 'slow'),
  sizeBytes: fc.constantFrom(terabyte / 2, terabyte, 2 * terabyte),
  state: fc.constantFrom('blank' as const, 'blank' as const, 'foreign' as const, 'refused' as const),
  identity: fc.constantFrom('', 'serial:1', 'wwn:eui.01', 'wwn:eui.02'),
  wipes: fc.constantFrom(undefined, { discard: true, sanitize: 'yes' as const }),
})
const devices = fc.uniqueArray(device, { selector: ({ name }) => name, maxLength: 3 }).map((all) =>
  // aHost takes no field that is undefined.
  all.map(({ wipes, ...rest }) => ({ ...rest, ...(wipes && { wipes }) })),
)
const buffer = fc
  .record({
    id: fc.integer({ min: 1, max: 4 }),
    bricks: fc.uniqueArray(place, { minLength: 1, maxLength: 3 }),
    released: fc.uniqueArray(place, { maxLength: 2 }),
    volume: fc.constantFrom('v1', 'v2'),
    former: fc.constantFrom([], ['v1'], ['v3']),
    builtAt: fc.constantFrom(undefined, 5),
  })
  .map(({ id, former, builtAt, ...parts }) => ({
    ...aBuffer({ id, name: `b${id}`, ...parts, ...(builtAt && { builtAt }) }),
    formerVolumes: former.map((volume) => ({ volume, bricks: [{ host: 'gluster2', path: '/data/x' }] })),
  }))
const maybe = fc.boolean()

/** One change of a key, as [key, value]; its document is deleted when there is no value. */
const change: fc.Arbitrary<[string, object | undefined]> = fc.oneof(
  fc
    .tuple(host, maybe)
    .map(([name, is]): [string, object | undefined] => [keys.host(name), is ? aHost(name).host : undefined]),
  fc
    .tuple(host, devices, maybe)
    .map(([name, all, is]): [string, object | undefined] => [
      keys.inventory(name),
      is ? aHost(name, { devices: all }).inventory : undefined,
    ]),
  fc.tuple(place, maybe, maybe).map(([at, whole, is]): [string, object | undefined] => {
    const [on, name] = at.split('/') as [string, string]
    return [keys.cordon(on, whole ? undefined : name), is ? aCordon(whole ? on : at) : undefined]
  }),
  fc
    .tuple(buffer, maybe)
    .map(([document, is]): [string, object | undefined] => [keys.buffer(document.name), is ? document : undefined]),
  fc.tuple(buffer, place, maybe).map(([document, at, is]): [string, object | undefined] => {
    const [on, name] = at.split('/') as [string, string]
    const told = aDesiredBrick({ buffer: { id: document.id, name: document.name }, device: name })
    return [keys.desired(on, 'brick', name), is ? told : undefined]
  }),
  fc
    .tuple(fc.integer({ min: 1, max: 3 }), fc.uniqueArray(host), maybe)
    .map(([id, computeHosts, is]): [string, object | undefined] => [
      keys.session(`s${id}`),
      is ? aSession({ token: `s${id}`, id: 100 + id, computeHosts }) : undefined,
    ]),
)

const node = fc.constantFrom('c1', 'c2')
const mount = fc.tuple(fc.constantFrom(101, 102), fc.constantFrom(1, 2)).map(([session, of]) => ({ session, of }))
const state = fc.constantFrom('forming' as const, 'mounted' as const, 'leaving' as const, 'absent' as const)
const mountChange: fc.Arbitrary<[string, object | undefined]> = fc.oneof(
  fc
    .tuple(node, mount, maybe)
    .map(([on, { session, of }, is]): [string, object | undefined] => [
      keys.desired(on, 'mount', `${session}.${of}`),
      is
        ? aDesiredMount({ session: { id: session, token: `s${session}` }, buffer: { id: of, name: `b${of}` } })
        : undefined,
    ]),
  fc.tuple(node, mount, state, maybe, maybe).map(([on, at, now, fails, is]): [string, object | undefined] => [
    keys.observed(on, 'mount', `${at.session}.${at.of}`),
    is
      ? {
          ...{ v: 1, state: now, waitingFor: [] },
          ...(fails && { problem: { message: 'x', since: 1, attempts: 1, terminal: true } }),
        }
      : undefined,
  ]),
  fc
    .tuple(node, mount, fc.constantFrom('forming', 'on', 'absent'), maybe)
    .map(([on, at, now, is]): [string, object | undefined] => [
      keys.observed(on, 'swap', `${at.session}.${at.of}`),
      is ? { v: 1, state: now, waitingFor: [] } : undefined,
    ]),
)

function assumedOf(key: string, value: object | undefined): AssumedDocument[] {
  const parsed = parseKey(key)!
  if (parsed.collection === 'buffers')
    return [{ kind: 'buffer', name: parsed.name, document: value as BufferDocument | undefined }]
  if (parsed.collection === 'sessions')
    return [{ kind: 'session', name: parsed.name, document: value as SessionDocument | undefined }]
  return []
}

/** The same cluster, in which everything is counted anew. */
function withoutIndex(documents: ClusterDocuments): Cluster {
  const cluster: Partial<Cluster> = { ...documents }
  delete cluster.index
  return cluster as Cluster
}

function idsOf(cluster: Cluster, isMeant: (buffer: BufferDocument) => boolean): number[] {
  return [...cluster.buffers.values()].filter(isMeant).map(({ id }) => id)
}

describe('the indexes of the cluster', () => {
  it('say what a recount says, after any history', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { maxLength: 25 }), (history) => {
        const documents = new Documents()
        for (const batch of history) {
          for (const [key, value] of batch) {
            // Puts all back, or the recounts differ.
            documents.assuming(assumedOf(key, value), () => {})
            documents.change(key, value)
          }
          const recount = withoutIndex(documents)
          for (const request of requests) {
            const { counts, hosts } = spaceOf(documents, request)
            const counted = countSpace(recount, request)
            expect({ counts, hosts }).to.deep.equal({ counts: counted.counts, hosts: counted.hosts })
          }
          const [kept, counted] = [takenDevices(documents), takenDevices(recount)]
          for (const name of hostNames.flatMap((on) => deviceNames.map((at) => `${on}/${at}`)))
            expect(kept.has(name), name).to.equal(counted.has(name))
          expect(sharedDisks(documents)).to.deep.equal(sharedDisks(recount))
          const volumes = new Set([...recount.buffers.values()].flatMap(volumesOf))
          for (const name of ['v1', 'v2', 'v3'])
            expect(documents.index.volumeNames.has(name), name).to.equal(volumes.has(name))
          expect([...documents.index.unbuiltBuffers()]).to.have.members(
            idsOf(recount, ({ builtAt }) => builtAt === undefined),
          )
          for (const name of hostNames) {
            const there = idsOf(recount, (document) => hostsOf(document).includes(name))
            expect([...documents.index.buffersAt(name)], name).to.have.members(there)
            const nodes = [...recount.sessions.values()].filter(({ computeHosts }) => computeHosts.includes(name))
            expect([...documents.index.sessionsAt(name)], name).to.have.members(nodes.map(({ id }) => id))
          }
        }
      }),
    )
  })

  it('say how far sessions are with their mounts, as a recount does', () => {
    fc.assert(
      fc.property(fc.array(mountChange, { maxLength: 60 }), (history) => {
        const documents = new Documents()
        for (const [key, value] of history) {
          documents.change(key, value)
          for (const session of [101, 102]) {
            const kept = documents.index.mountsOf(session)
            expect({ ...kept, left: new Map(kept.left) }).to.deep.include(countMounts(documents, session))
          }
        }
      }),
    )
  })

  it('count only the hosts anew of which something has changed', () => {
    const documents = new Documents()
    for (const name of ['gluster1', 'gluster2']) {
      documents.change(keys.host(name), aHost(name).host)
      documents.change(keys.inventory(name), aHost(name).inventory)
    }
    const [before] = requests.map((request) => new Map(spaceOf(documents, request).hosts.map((one) => [one.host, one])))
    documents.change(keys.buffer('mytest'), aBuffer({ bricks: ['gluster1/nvme1n1'] }))
    const after = new Map(spaceOf(documents, requests[0]!).hosts.map((one) => [one.host, one]))
    expect(after.get('gluster1')).to.not.equal(before!.get('gluster1'))
    expect(after.get('gluster2')).to.equal(before!.get('gluster2'))
  })
})
