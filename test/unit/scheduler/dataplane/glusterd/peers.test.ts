import { expect } from 'chai'
import type { ObservedPeer } from '../../../../../src/model/documents/peer.js'
import * as messages from '../../../../../src/scheduler/dataplane/glusterd/messages.js'
import { desiredPeers, problemsOfPeers } from '../../../../../src/scheduler/dataplane/glusterd/peers.js'
import { aCluster, aHost, type Hosted } from '../../../../support/builders.js'
import { aDesiredPeer } from '../../../../support/desired.js'

const names = ['gluster1', 'gluster2', 'gluster3', 'gluster10']
const connected: ObservedPeer = { v: 1, state: 'connected', waitingFor: [] }
const refused: ObservedPeer = {
  v: 1,
  state: 'forming',
  waitingFor: [],
  problem: { message: 'in another pool', terminal: false },
}
const compute = aHost('c1', { roles: ['compute'] })

interface Situation {
  /** Storage hosts that are away. */
  away?: string[]
  /** `gluster1: gluster2` was told to the first; with `as member` behind it in that form. */
  told?: string[]
  /** `gluster1: gluster2` was reported. */
  known?: string[]
  problems?: string[]
  hosts?: string[]
}

function clusterOf({ away = [], told = [], known = [], problems = [], hosts = names }: Situation) {
  const all: Hosted[] = hosts.map((name) => aHost(name, { alive: !away.includes(name) }))
  const at = (pair: string) => `peer ${pair.replace(': ', '/')}`
  const desired = told.map((line) => {
    const [host, peer, form] = line.split(/: | /) as [string, string, string | undefined]
    const document = aDesiredPeer({ peer, ...(form === undefined ? {} : { asMember: true as const }) })
    return [`peer ${host}/${peer}`, document] as const
  })
  return aCluster({
    hosts: [...all, compute],
    desired: Object.fromEntries(desired),
    observed: {
      ...Object.fromEntries(known.map((pair) => [at(pair), connected])),
      ...Object.fromEntries(problems.map((pair) => [at(pair), refused])),
    },
  })
}

const isStorageHost = (host: string) => host.startsWith('gluster')

function told(situation: Situation, isNamed = isStorageHost): string[] {
  return desiredPeers(clusterOf(situation), isNamed).map((record) => {
    if (record.kind !== 'peer') throw new Error(record.kind)
    return `${record.host}: ${record.id}${record.document.asMember ? ' as member' : ''}`
  })
}

const problemsOf = (situation: Situation) => problemsOfPeers(clusterOf(situation), isStorageHost)

describe('the trusted pool, while nobody is in it', () => {
  const begun = ['gluster1: gluster2', 'gluster1: gluster3', 'gluster1: gluster10']

  it('is begun by one host, which invites the others', () => {
    expect(told({})).to.deep.equal(begun)
  })

  it('needs nobody for one host', () => {
    expect(told({ hosts: ['gluster1'] })).to.deep.equal([])
    expect(told({ hosts: [] })).to.deep.equal([])
  })

  it('is never begun by another host, however long the first is away: those that it may have invited ask for it', () => {
    const situation = { told: ['gluster3: gluster1', 'gluster3: gluster2'], away: ['gluster3'] }
    expect(told(situation)).to.deep.equal([
      ...situation.told,
      'gluster1: gluster3 as member',
      'gluster2: gluster3 as member',
    ])
    expect(problemsOf(situation)).to.deep.equal([messages.founderIsAway('gluster3')])
    expect(problemsOf({ ...situation, away: [] })).to.deep.equal([])
  })

  it('is begun by another once the first is no storage host any more', () => {
    const isNamed = (host: string) => isStorageHost(host) && host !== 'gluster3'
    expect(told({ told: ['gluster3: gluster1'], away: ['gluster3'] }, isNamed)).to.deep.equal([
      'gluster1: gluster2',
      'gluster1: gluster10',
    ])
  })

  it('is begun with a few hosts, and with others when those cannot be invited', () => {
    const hosts = Array.from({ length: 9 }, (_, index) => `gluster${index + 1}`)
    const first = [2, 3, 4, 5, 6].map((number) => `gluster1: gluster${number}`)
    expect(told({ hosts })).to.deep.equal(first)
    expect(told({ hosts, told: first, problems: [first[1]!] })).to.deep.equal([
      ...first,
      'gluster1: gluster7',
      'gluster3: gluster1 as member',
    ])
  })
})

describe('the trusted pool, once somebody is in it', () => {
  it('is grown by hosts that know a peer, and by them as members alone, until they know whom they invite', () => {
    expect(told({ told: ['gluster1: gluster2'], known: ['gluster1: gluster2'] })).to.deep.equal([
      'gluster1: gluster2',
      'gluster1: gluster3 as member',
      'gluster1: gluster10 as member',
      'gluster2: gluster1 as member',
    ])
  })

  const known = ['gluster1: gluster2', 'gluster1: gluster3', 'gluster1: gluster10', 'gluster2: gluster1']
  const member = [...known, 'gluster3: gluster1 as member', 'gluster10: gluster1 as member']
  const whole = { told: member, known }

  it('stays as it is, whoever is away', () => {
    expect(told(whole)).to.have.members(member)
    for (const away of [['gluster1'], ['gluster2'], ['gluster1', 'gluster2'], ['gluster1', 'gluster3']])
      expect(told({ ...whole, away }), away.join()).to.have.members(member)
    expect(told({ ...whole, away: names })).to.have.members(member)
  })

  it('takes in a new host through another that knows a peer while the first is away', () => {
    const hosts = [...names, 'gluster11']
    expect(told({ ...whole, hosts })).to.include('gluster1: gluster11 as member')
    const while1IsAway = told({ ...whole, hosts, away: ['gluster1'] })
    expect(while1IsAway).to.have.members([...member, 'gluster2: gluster11 as member'])
    // Nobody invites it twice when the first is back.
    expect(told({ ...whole, told: while1IsAway, hosts })).to.have.members(while1IsAway)
  })

  it('asks members whom they know when nobody is left who said that', () => {
    const hosts = [...names, 'gluster11', 'gluster12']
    const few = { told: ['gluster1: gluster2 as member', 'gluster1: gluster3 as member'], hosts: [...hosts] }
    expect(told({ ...few, known: ['gluster1: gluster2', 'gluster1: gluster3'], away: ['gluster1'] })).to.have.members([
      'gluster1: gluster2',
      'gluster1: gluster3',
      'gluster2: gluster1 as member',
      'gluster3: gluster1 as member',
    ])
  })

  it('is joined in turn by one that could not be invited, which is shown with what to do', () => {
    const situation = {
      told: ['gluster1: gluster2 as member', 'gluster1: gluster3 as member'],
      known: ['gluster1: gluster2'],
      problems: ['gluster1: gluster3'],
    }
    expect(told(situation)).to.include('gluster3: gluster1 as member')
    expect(problemsOf(situation)).to.deep.equal([messages.cannotBeInvited('gluster1', 'gluster3', 'in another pool')])
  })

  it('has a few that invite: what more were told by an earlier release is withdrawn', () => {
    const hosts = Array.from({ length: 8 }, (_, index) => `gluster${index + 1}`)
    const all = hosts.flatMap((host) => hosts.filter((peer) => peer !== host).map((peer) => `${host}: ${peer}`))
    const inviting = new Set(told({ hosts, told: all, known: all }).map((line) => line.split(':')[0]!))
    expect([...inviting]).to.deep.equal(['gluster1', 'gluster2', 'gluster3', 'gluster4'])
  })

  it('is the larger one when it has split, which is shown with what to do', () => {
    const hosts = [...names, 'gluster11']
    const links = ['gluster1: gluster2', 'gluster2: gluster3', 'gluster10: gluster11']
    expect(told({ hosts, told: links, known: links })).to.have.members([
      'gluster1: gluster2',
      'gluster2: gluster3',
      'gluster3: gluster1 as member',
      'gluster1: gluster10 as member',
      'gluster1: gluster11 as member',
    ])
    expect(problemsOf({ hosts, told: links, known: links })).to.deep.equal([
      messages.poolIsSplit([
        ['gluster1', 'gluster2', 'gluster3'],
        ['gluster10', 'gluster11'],
      ]),
    ])
  })
})
