import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import * as gluster from '../../../../src/agent/host/gluster.js'
import { CommandError, type Run } from '../../../../src/agent/host/run.js'
import { BrickMarked, Busy, Refusal } from '../../../../src/agent/host.js'
import type { DesiredVolume } from '../../../../src/model/documents.js'

/* Answers recorded from GlusterFS 10.3 by `gluster --mode=script --xml`. */
const recorded = (name: string) =>
  readFileSync(new URL(`../../../fixtures/gluster/${name}.xml`, import.meta.url), 'utf8')

/** A gluster that gives the recorded answers in turn, and the commands that it was given. */
function answering(...names: string[]): { run: Run; asked: string[] } {
  const asked: string[] = []
  const run: Run = (argv) => {
    asked.push(argv.slice(4).join(' '))
    return Promise.resolve({ code: 0, stdout: recorded(names.shift()!), stderr: '' })
  }
  return { run, asked }
}

const wanted: DesiredVolume = {
  v: 1,
  fence: 1,
  kind: 'volume',
  buffer: { id: 1, name: 'vol1' },
  volume: 'vol1',
  bricks: [
    { host: 'g1', path: '/data/glusterfs/d1/brick' },
    { host: 'g1', path: '/data/glusterfs/d2/brick' },
  ],
  options: {},
  wanted: 'started',
}
const bricks = ['g1:/data/glusterfs/d1/brick', 'g1:/data/glusterfs/d2/brick']

async function failure(act: Promise<unknown>): Promise<Error> {
  return act.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as Error,
  )
}

describe('what gluster says of a volume', () => {
  it('knows its bricks in their order, its options and that all are online', async () => {
    const { run } = answering('info-options', 'status-online')
    const facts = await gluster.volumeFacts(run, 'g1', wanted)
    expect(facts).to.include({ exists: true, status: 'started' })
    expect(facts.bricks).to.deep.equal(bricks)
    expect(facts.options).to.include({ 'network.ping-timeout': '10', 'storage.owner-uid': '20001' })
    expect(facts.offline).to.deep.equal([])
  })

  it('names the bricks that are not online', async () => {
    const { run } = answering('info-started', 'status-offline')
    expect((await gluster.volumeFacts(run, 'g1', wanted)).offline).to.deep.equal([bricks[1]])
  })

  it('takes a brick that the status does not list for one that is not online', async () => {
    const { run } = answering('info-started', 'start-force')
    expect((await gluster.volumeFacts(run, 'g1', wanted)).offline).to.deep.equal(bricks)
  })

  it('asks nothing about the bricks of a volume that is stopped', async () => {
    const { run, asked } = answering('info-stopped')
    expect(await gluster.volumeFacts(run, 'g1', wanted)).to.include({ exists: true, status: 'stopped' })
    expect(asked).to.deep.equal(['volume info vol1'])
  })

  it('is absent only when gluster says so, and then the peers matter', async () => {
    const { run } = answering('info-absent', 'peers-of-prober')
    const facts = await gluster.volumeFacts(run, 'ga', wanted)
    expect(facts.exists).to.equal(false)
    expect(facts.connectedPeers).to.deep.equal(['ga', 'gb'])
  })

  it('is not absent when gluster timed out, although the XML that follows reports no volumes', async () => {
    const { run } = answering('info-timed-out')
    expect(await failure(gluster.volumeFacts(run, 'g1', wanted))).to.be.instanceOf(Busy)
  })

  it('is not absent when an answer has no word about it', async () => {
    const { run } = answering('info-none')
    expect((await gluster.volumeFacts(run, 'g1', wanted)).unavailable).to.contain('no word about the volume')
  })

  it('is not absent when the answer is cut short', async () => {
    const cut: Run = () => Promise.resolve({ code: 0, stdout: recorded('info-absent').slice(0, 190), stderr: '' })
    expect((await gluster.volumeFacts(cut, 'g1', wanted)).unavailable).to.be.a('string')
  })

  it('is unknown while glusterd is not there', async () => {
    const words = 'Connection failed. Please check if gluster daemon is operational.'
    const dead: Run = () => Promise.resolve({ code: 1, stdout: `${words}\n`, stderr: '' })
    expect((await gluster.volumeFacts(dead, 'g1', wanted)).unavailable).to.contain(words)
  })

  it('is unknown when the command itself had to be killed', async () => {
    const result = { code: null, signal: 'SIGKILL', stderr: '', timedOut: true }
    const hung: Run = (argv) => Promise.reject(new CommandError(argv, result))
    expect(await failure(gluster.stopVolume(hung, wanted))).to.be.instanceOf(Busy)
  })
})

describe('what gluster is told to do', () => {
  it('is done when it has been done before', async () => {
    await gluster.createVolume(answering('create-exists').run, wanted)
    await gluster.startVolume(answering('start-started').run, 'vol1', false)
    await gluster.stopVolume(answering('info-stopped', 'stop-stopped').run, wanted)
    await gluster.deleteVolume(answering('info-absent').run, wanted)
    await gluster.deleteVolume(answering('info-stopped', 'delete-absent').run, wanted)
    await gluster.probePeer(answering('probe-again').run, 'gb')
    await gluster.probePeer(answering('probe-self').run, 'g1')
  })

  it('is never forced when a volume is made', async () => {
    const { run, asked } = answering('start-force')
    await gluster.createVolume(run, wanted)
    expect(asked).to.deep.equal([`volume create vol1 transport tcp ${bricks.join(' ')}`])
  })

  it('sets many options by one command', async () => {
    const { run, asked } = answering('start-force')
    await gluster.setVolumeOptions(run, 'vol1', { 'a.b': '1', 'c.d': '2' })
    expect(asked).to.deep.equal(['volume set vol1 a.b 1 c.d 2'])
  })

  for (const answer of ['create-marked', 'create-stamped']) {
    it(`needs fresh directories after ${answer}`, async () => {
      const { run } = answering(answer, 'info-absent')
      expect(await failure(gluster.createVolume(run, wanted))).to.be.instanceOf(BrickMarked)
    })
  }

  it('finds that the mark is of its own create, which timed out and came true later', async () => {
    await gluster.createVolume(answering('create-marked', 'info-stopped').run, wanted)
  })

  it('stops and deletes no volume that has other bricks by now', async () => {
    const other = { ...wanted, bricks: wanted.bricks.slice(0, 1) }
    for (const act of [gluster.stopVolume, gluster.deleteVolume]) {
      const { run, asked } = answering('info-started')
      expect(await failure(act(run, other))).to.be.instanceOf(Refusal)
      expect(asked).to.deep.equal(['volume info vol1'])
    }
  })

  it('fails, to be tried again, when a peer is down', async () => {
    const error = await failure(gluster.deleteVolume(answering('info-stopped', 'delete-peer-down').run, wanted))
    expect(error).to.not.be.instanceOf(Refusal)
    expect(error.message).to.contain('Some of the peers are down')
  })

  it('fails when an option does not exist', async () => {
    const act = gluster.setVolumeOptions(answering('set-bad').run, 'vol1', { 'no.such-option': '1' })
    expect((await failure(act)).message).to.contain('no.such-option does not exist')
  })
})

describe('whether a volume holds a brick that is to be unmounted', () => {
  const path = '/data/glusterfs/d1'

  it('says no when no volume lists it', async () => {
    expect(await gluster.volumeHolding(answering('info-none').run, 'g1', path)).to.equal(undefined)
    expect(await gluster.volumeHolding(answering('info-started').run, 'g1', '/data/glusterfs/d')).to.equal(undefined)
    expect(await gluster.volumeHolding(answering('info-started').run, 'g2', path)).to.equal(undefined)
  })

  it('says yes for a volume that is started, whoever is away', async () => {
    expect(await gluster.volumeHolding(answering('info-started').run, 'g1', path)).to.contain('vol1 is started')
  })

  it('says yes for a volume that is stopped and can be deleted', async () => {
    const { run } = answering('info-stopped', 'peers-of-prober')
    expect(await gluster.volumeHolding(run, 'g1', path)).to.contain('volume vol1')
  })

  it('says no for a volume that is stopped and cannot be deleted because a peer is away', async () => {
    expect(await gluster.volumeHolding(answering('info-stopped', 'peers-down').run, 'g1', path)).to.equal(undefined)
  })

  it('says nothing when gluster timed out, although the XML that follows reports no volumes', async () => {
    const { run } = answering('info-timed-out')
    expect(await failure(gluster.volumeHolding(run, 'g1', path))).to.be.instanceOf(Busy)
  })
})

describe('peers of the trusted pool', () => {
  it('are known by their names with and without the domain', async () => {
    const withDomain: Run = () =>
      Promise.resolve({
        code: 0,
        stdout: recorded('peers-of-prober').replaceAll('>gb<', '>gb.cluster.example<'),
        stderr: '',
      })
    expect(await gluster.peerFacts(withDomain, 'gb')).to.deep.equal({ known: true, connected: true })
  })

  it('are known when they are away', async () => {
    expect(await gluster.peerFacts(answering('peers-down').run, 'gb')).to.deep.equal({ known: true, connected: false })
  })

  it('may be none', async () => {
    expect(await gluster.peerFacts(answering('peer-status').run, 'gb')).to.deep.equal({
      known: false,
      connected: false,
    })
  })

  it('that cannot be reached are tried again', async () => {
    expect(await failure(gluster.probePeer(answering('probe-nohost').run, 'nosuchhost.invalid'))).to.not.be.instanceOf(
      Refusal,
    )
  })
})
