import { expect } from 'chai'
import { bricksMissing, notInAnswer } from '../../../../../../src/agent/host/dataplane/glusterd/messages.js'
import { readFileSync } from 'node:fs'
import * as volumes from '../../../../../../src/agent/host/dataplane/glusterd/gluster.js'
import { glusterThrough, parseOutputs } from '../../../../../../src/agent/host/dataplane/glusterd/command.js'
import { CommandError, type Run } from '../../../../../../src/agent/host/exec/run.js'
import { until } from '../../../../../../lab/common/until.js'
import { BrickMarked, Busy, Refusal, Unavailable } from '../../../../../../src/agent/port/host.js'
import type { DesiredVolume } from '../../../../../../src/model/documents/volume.js'

/* Answers recorded from GlusterFS 10.3 by `gluster --mode=script --xml`. */
const recorded = (name: string) =>
  readFileSync(new URL(`../../../../../fixtures/gluster/${name}.xml`, import.meta.url), 'utf8')

/** A gluster that gives the recorded answers in turn, what it was asked, and how many processes that took. */
function answering(...names: string[]) {
  const asked: string[] = []
  const processes = { count: 0 }
  const run: Run = (argv, { stdin }) => {
    processes.count++
    const questions = stdin === undefined ? [argv.slice(4).join(' ')] : stdin.trimEnd().split('\n')
    asked.push(...questions)
    return Promise.resolve({ code: 0, stdout: questions.map(() => recorded(names.shift()!)).join(''), stderr: '' })
  }
  return { gluster: glusterThrough(run), asked, processes }
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

describe('that every brick is online', () => {
  it('is asked by one process, and holds for the bricks that there should be', async () => {
    const { gluster, processes } = answering('info-options', 'status-online')
    await volumes.requireAllBricksOnline(gluster, 'vol1', 2)
    expect(processes.count).to.equal(1)
  })

  it('does not hold while one is offline, and names it', async () => {
    const { gluster } = answering('info-options', 'status-offline')
    const error = await failure(volumes.requireAllBricksOnline(gluster, 'vol1', 2))
    expect(error).to.be.instanceOf(Unavailable)
    expect(error.message).to.contain(bricks[1])
  })

  it('does not hold for a volume with fewer bricks than the buffer has, or that is not started', async () => {
    const { gluster } = answering('info-options', 'status-online')
    expect((await failure(volumes.requireAllBricksOnline(gluster, 'vol1', 3))).message).to.equal(
      bricksMissing('vol1', 2, 3),
    )
    const stopped = answering('info-stopped', 'status-stopped')
    await failure(volumes.requireAllBricksOnline(stopped.gluster, 'vol1', 2))
  })
})

describe('what gluster says of a volume', () => {
  it('knows its bricks in their order, its options and that all are online', async () => {
    const { gluster } = answering('info-options', 'peer-status', 'status-online')
    const facts = await volumes.volumeFacts(gluster, 'g1', wanted)
    expect(facts).to.include({ exists: true, status: 'started' })
    expect(facts.bricks).to.deep.equal(bricks)
    expect(facts.options).to.include({ 'network.ping-timeout': '10', 'storage.owner-uid': '20001' })
    expect(facts.offline).to.deep.equal([])
  })

  it('names the bricks that are not online', async () => {
    const { gluster } = answering('info-started', 'peer-status', 'status-offline')
    expect((await volumes.volumeFacts(gluster, 'g1', wanted)).offline).to.deep.equal([bricks[1]])
  })

  it('takes a brick that the status does not list for one that is not online', async () => {
    const { gluster } = answering('info-started', 'peer-status', 'start-force')
    expect((await volumes.volumeFacts(gluster, 'g1', wanted)).offline).to.deep.equal(bricks)
  })

  it('needs no word about the bricks of a volume that is stopped', async () => {
    const { gluster } = answering('info-stopped', 'peer-status', 'stop-stopped')
    expect(await volumes.volumeFacts(gluster, 'g1', wanted)).to.include({ exists: true, status: 'stopped' })
  })

  it('is absent only when gluster says so, and then the peers matter', async () => {
    const { gluster } = answering('info-absent', 'peers-of-prober', 'stop-stopped')
    const facts = await volumes.volumeFacts(gluster, 'ga', wanted)
    expect(facts.exists).to.equal(false)
    expect(facts.connectedPeers).to.deep.equal(['ga', 'gb'])
  })

  it('is asked of one process', async () => {
    const { gluster, asked, processes } = answering('info-options', 'peer-status', 'status-online')
    await volumes.volumeFacts(gluster, 'g1', wanted)
    expect(asked).to.deep.equal(['volume info vol1', 'peer status', 'volume status vol1'])
    expect(processes.count).to.equal(1)
  })

  it('is all that is asked of a volume that is to go', async () => {
    const { gluster, asked } = answering('info-absent')
    expect((await volumes.volumeFacts(gluster, 'g1', { ...wanted, wanted: 'absent' })).exists).to.equal(false)
    expect(asked).to.deep.equal(['volume info vol1'])
  })

  it('is not absent when gluster timed out, although the XML that follows reports no volumes', async () => {
    const { gluster } = answering('info-timed-out', 'peer-status', 'status-online')
    expect(await failure(volumes.volumeFacts(gluster, 'g1', wanted))).to.be.instanceOf(Busy)
  })

  it('is not absent when an answer has no word about it', async () => {
    const { gluster } = answering('info-none', 'peer-status', 'stop-stopped')
    expect((await volumes.volumeFacts(gluster, 'g1', wanted)).unavailable).to.contain(notInAnswer(wanted.volume))
  })

  it('is not absent when the answer is cut short', async () => {
    const cut: Run = () => Promise.resolve({ code: 0, stdout: recorded('info-absent').slice(0, 190), stderr: '' })
    expect((await volumes.volumeFacts(glusterThrough(cut), 'g1', wanted)).unavailable).to.be.a('string')
  })

  it('is unknown while glusterd is not there', async () => {
    const words = 'Connection failed. Please check if gluster daemon is operational.'
    const dead: Run = () => Promise.resolve({ code: 1, stdout: `${words}\n`, stderr: '' })
    expect((await volumes.volumeFacts(glusterThrough(dead), 'g1', wanted)).unavailable).to.contain(words)
  })

  it('is unknown when the command itself had to be killed', async () => {
    const result = { code: null, signal: 'SIGKILL', stderr: '', timedOut: true }
    const hung: Run = (argv) => Promise.reject(new CommandError(argv, result))
    expect(await failure(volumes.stopVolume(glusterThrough(hung), wanted))).to.be.instanceOf(Busy)
  })
})

describe('questions to gluster', () => {
  it('that come together are asked once each, by one process', async () => {
    const { gluster, asked, processes } = answering('info-started', 'peers-of-prober')
    const answers = await Promise.all([
      volumes.volumeHolding(gluster, 'g1', '/data/glusterfs/d1'),
      volumes.volumeHolding(gluster, 'g1', '/data/glusterfs/d7'),
      volumes.peerFacts(gluster, 'gb'),
    ])
    expect(asked).to.deep.equal(['volume info', 'peer status'])
    expect(processes.count).to.equal(1)
    expect(answers).to.deep.equal([
      'volume vol1 is started and has a brick there',
      undefined,
      { known: true, connected: true, isAlone: false },
    ])
  })

  it('are never answered by what was asked before them', async () => {
    const { gluster, asked, processes } = answering('info-none', 'info-started')
    const first = volumes.volumeHolding(gluster, 'g1', '/data/glusterfs/d1')
    await until({ what: 'the first is asked' }, () => Promise.resolve(processes.count === 1))
    const second = volumes.volumeHolding(gluster, 'g1', '/data/glusterfs/d1')
    expect([await first, await second]).to.deep.equal([undefined, 'volume vol1 is started and has a brick there'])
    expect(asked).to.deep.equal(['volume info', 'volume info'])
  })

  it('have no answer when there are words between the answers, or one too few', async () => {
    const [info, peers] = [recorded('info-none'), recorded('peers-of-prober')]
    expect(parseOutputs(`${info}${peers}`)).to.have.length(2)
    expect(parseOutputs(`${info}Error : Request timed out\n${peers}`)).to.equal(undefined)
    const tooFew: Run = () => Promise.resolve({ code: 0, stdout: info, stderr: '' })
    expect((await volumes.volumeFacts(glusterThrough(tooFew), 'g1', wanted)).unavailable).to.be.a('string')
  })

  it('hold no word that would be another command', async () => {
    const { gluster, asked } = answering()
    const facts = await volumes.volumeFacts(gluster, 'g1', { ...wanted, volume: 'vol1\nvolume delete vol2' })
    expect(facts.unavailable).to.contain('no word of a gluster command')
    expect(asked).to.deep.equal([])
  })
})

describe('what gluster is told to do', () => {
  it('is done when it has been done before', async () => {
    await volumes.createVolume(answering('create-exists').gluster, wanted)
    await volumes.startVolume(answering('start-started').gluster, 'vol1', false)
    await volumes.stopVolume(answering('info-stopped', 'stop-stopped').gluster, wanted)
    await volumes.deleteVolume(answering('info-absent').gluster, wanted)
    await volumes.deleteVolume(answering('info-stopped', 'delete-absent').gluster, wanted)
    await volumes.probePeer(answering('probe-again').gluster, 'gb')
    await volumes.probePeer(answering('probe-self').gluster, 'g1')
  })

  it('is never forced when a volume is made', async () => {
    const { gluster, asked } = answering('start-force')
    await volumes.createVolume(gluster, wanted)
    expect(asked).to.deep.equal([`volume create vol1 transport tcp ${bricks.join(' ')}`])
  })

  it('sets many options by one command', async () => {
    const { gluster, asked } = answering('start-force')
    await volumes.setVolumeOptions(gluster, 'vol1', { 'a.b': '1', 'c.d': '2' })
    expect(asked).to.deep.equal(['volume set vol1 a.b 1 c.d 2'])
  })

  for (const answer of ['create-marked', 'create-stamped']) {
    it(`needs fresh directories after ${answer}`, async () => {
      const { gluster } = answering(answer, 'info-absent')
      expect(await failure(volumes.createVolume(gluster, wanted))).to.be.instanceOf(BrickMarked)
    })
  }

  it('needs fresh directories when the create marked what lies below a mount point, and a start misses the mark', async () => {
    const { gluster } = answering('start-unmarked')
    expect(await failure(volumes.startVolume(gluster, 'vol1', false))).to.be.instanceOf(BrickMarked)
  })

  it('finds that the mark is of its own create, which timed out and came true later', async () => {
    await volumes.createVolume(answering('create-marked', 'info-stopped').gluster, wanted)
  })

  it('stops and deletes no volume that has other bricks by now', async () => {
    const other = { ...wanted, bricks: wanted.bricks.slice(0, 1) }
    for (const act of [volumes.stopVolume, volumes.deleteVolume]) {
      const { gluster, asked } = answering('info-started')
      expect(await failure(act(gluster, other))).to.be.instanceOf(Refusal)
      expect(asked).to.deep.equal(['volume info vol1'])
    }
  })

  it('fails, to be tried again, when a peer is down', async () => {
    const error = await failure(volumes.deleteVolume(answering('info-stopped', 'delete-peer-down').gluster, wanted))
    expect(error).to.not.be.instanceOf(Refusal)
    expect(error.message).to.contain('Some of the peers are down')
  })

  it('fails when an option does not exist', async () => {
    const act = volumes.setVolumeOptions(answering('set-bad').gluster, 'vol1', { 'no.such-option': '1' })
    expect((await failure(act)).message).to.contain('no.such-option does not exist')
  })
})

describe('whether a volume holds a brick that is to be unmounted', () => {
  const path = '/data/glusterfs/d1'

  it('says no when no volume lists it', async () => {
    expect(await volumes.volumeHolding(answering('info-none').gluster, 'g1', path)).to.equal(undefined)
    expect(await volumes.volumeHolding(answering('info-started').gluster, 'g1', '/data/glusterfs/d')).to.equal(
      undefined,
    )
    expect(await volumes.volumeHolding(answering('info-started').gluster, 'g2', path)).to.equal(undefined)
  })

  it('says yes for a volume that is started, whoever is away', async () => {
    expect(await volumes.volumeHolding(answering('info-started').gluster, 'g1', path)).to.contain('vol1 is started')
  })

  it('says yes for a volume that is stopped and can be deleted', async () => {
    const { gluster } = answering('info-stopped', 'peers-of-prober')
    expect(await volumes.volumeHolding(gluster, 'g1', path)).to.contain('volume vol1')
  })

  it('says no for a volume that is stopped and cannot be deleted because a peer is away', async () => {
    expect(await volumes.volumeHolding(answering('info-stopped', 'peers-down').gluster, 'g1', path)).to.equal(undefined)
  })

  it('says nothing when gluster timed out, although the XML that follows reports no volumes', async () => {
    const { gluster } = answering('info-timed-out')
    expect(await failure(volumes.volumeHolding(gluster, 'g1', path))).to.be.instanceOf(Busy)
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
    expect(await volumes.peerFacts(glusterThrough(withDomain), 'gb')).to.deep.equal({
      known: true,
      connected: true,
      isAlone: false,
    })
  })

  it('are known when they are away', async () => {
    expect(await volumes.peerFacts(answering('peers-down').gluster, 'gb')).to.deep.equal({
      known: true,
      connected: false,
      isAlone: false,
    })
  })

  it('may be none', async () => {
    expect(await volumes.peerFacts(answering('peer-status').gluster, 'gb')).to.deep.equal({
      known: false,
      connected: false,
      isAlone: true,
    })
  })

  it('that cannot be reached are tried again', async () => {
    expect(
      await failure(volumes.probePeer(answering('probe-nohost').gluster, 'nosuchhost.invalid')),
    ).to.not.be.instanceOf(Refusal)
  })
})
