import { expect } from 'chai'
import { systemClock } from '../../../../src/daemon/clock.js'
import { parseSize } from '../../../../src/model/capacity.js'
import { Indexes } from '../../../../src/scheduler/cluster/indexes.js'
import type { SchedulerConfig } from '../../../../src/scheduler/config.js'
import { dwstat } from '../../../../src/scheduler/slurm/dwstat.js'
import { aBuffer, aCluster, aCordon, aHost, aSession, brickReports, pool } from '../../../support/builders.js'
import { BusyClock, mostStepsTogether } from '../../../support/handClock.js'

const gibibyte = 1024 ** 3
const config = {
  pools: { [pool]: { granularityBytes: gibibyte, isDefault: true } },
  mountRoot: '/mnt/burstbuffer',
} as unknown as SchedulerConfig
const userName = () => 'tester'
const clock = systemClock

async function shown(words: string[], cluster: ReturnType<typeof aCluster>): Promise<string[]> {
  const said = await dwstat(words, { cluster, config, clock, userName })
  return 'text' in said ? said.text.trimEnd().split('\n') : [said.refused]
}

describe('dwstat', () => {
  const bricks = ['gluster1/nvme1n1', 'gluster2/nvme1n1']
  const buffer = aBuffer({ name: '5', bricks, builtAt: 1, granularityBytes: gibibyte, access: ['striped', 'private'] })
  const cluster = aCluster({
    hosts: [aHost('gluster1'), aHost('gluster2'), aHost('gluster3', { alive: false })],
    buffers: [buffer],
    sessions: [aSession({ token: '5', buffer: '5', stage: 'running', computeHosts: ['c1', 'c2'] })],
    cordons: [aCordon('gluster2')],
    observed: brickReports(buffer),
  })

  it('nodes shows each storage host with its pool, slots and use', async () => {
    expect(await shown(['nodes'], cluster)).to.deep.equal([
      '    node           pool  online drain gran capacity insts activs',
      'gluster1 dedicated_nvme  online  fill 1GiB     2GiB     1      2',
      'gluster2 dedicated_nvme  online drain 1GiB     2GiB     1      2',
      'gluster3 dedicated_nvme offline  fill 1GiB     2GiB     0      0',
    ])
  })

  it('fragments shows each brick', async () => {
    expect(await shown(['fragments'], cluster)).to.deep.equal([
      ' frag state inst capacity     node',
      '10000 CA---   10     1GiB gluster1',
      '10001 CA---   10     1GiB gluster2',
    ])
  })

  it('configurations tells both access types', async () => {
    expect(await shown(['configurations'], cluster)).to.deep.equal([
      'conf state inst    type activs    access_type',
      '  10 CA---   10 scratch      2 stripe,private',
    ])
  })

  it('registrations and activations show who may mount a buffer and who has', async () => {
    expect(await shown(['registrations'], cluster)).to.deep.equal([
      'reg state sess conf wait',
      ' 10 CA---   20   10 wait',
    ])
    expect(await shown(['activations'], cluster)).to.deep.equal([
      'activ state sess conf nodes                 mount',
      '   10 CA---   20   10     2 /mnt/burstbuffer/5.20',
    ])
  })

  it('says in one line that a table is empty, in the words of Slurm’s own tests', async () => {
    const empty = aCluster({ hosts: [aHost('gluster1')] })
    expect(await shown(['sessions'], empty)).to.deep.equal(['no sessions'])
    expect(await shown(['configurations'], empty)).to.deep.equal(['no scratch, cache, swap configurations'])
    for (const word of ['instances', 'registrations', 'activations', 'fragments'])
      expect(await shown([word], empty)).to.deep.equal([`no ${word}`])
    expect((await shown(['pools'], empty))[0]).to.match(/pool *units *quantity *free *gran/)
  })

  it('prints a granularity that can be calculated with and pasted back', async () => {
    const gran = async (granularityBytes: number) => {
      const asked = { pools: { [pool]: { granularityBytes, isDefault: true } } } as unknown as SchedulerConfig
      const said = await dwstat([], { cluster, config: asked, clock, userName })
      return 'text' in said ? said.text.trimEnd().split(/\s+/).at(-1)! : said.refused
    }
    expect(await Promise.all([1e12, 200 * gibibyte, 1024 ** 4, 1.5 * gibibyte, 1001].map(gran))).to.deep.equal([
      ...['1TB', '200GiB', '1TiB', '1536MiB', '1001'],
    ])
    for (const bytes of [1e12, 82 * gibibyte, 16 * 1024 ** 2, 1001, 3500e9])
      expect(parseSize(await gran(bytes))).to.deep.equal({ bytes })
  })

  it('shows a table once, however often it is asked for', async () => {
    expect(await shown(['pools', 'pools', 'pools'], cluster)).to.have.lengthOf(2)
  })

  it('lets others have their turn within a table and after it', async () => {
    const clock = new BusyClock()
    let ended = false
    const many = Array.from({ length: 200 }, (_, n) => aSession({ token: String(n + 1), id: n + 1 }))
    void dwstat(['sessions'], { cluster: aCluster({ sessions: many }), config, clock, userName }).then(
      () => (ended = true),
    )
    let turns = 0
    for (; !ended; turns++) {
      clock.advance(0)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(turns).to.be.at.least(200 / mostStepsTogether)
  })

  it('most leaves out what all shows beside', async () => {
    const tables = async (word: string) =>
      (await shown([word], cluster)).filter((_, index, lines) => index === 0 || lines[index - 1] === '')
    expect(await tables('most')).to.have.lengthOf(4)
    expect(await tables('all')).to.have.lengthOf(8)
  })

  it('refuses an unknown word and names the words that there are', async () => {
    expect((await shown(['everything'], cluster))[0]).to.match(
      /unknown word "everything": write one of pools, .*fragments, most, all/,
    )
  })

  it('takes about ten times the work for ten times the buffers', async function () {
    this.timeout(60_000)
    const large = (count: number) => {
      const many = Array.from({ length: count }, (_, index) => index + 1)
      return aCluster({
        hosts: [aHost('gluster1', { devices: 4 })],
        buffers: many.map((number) => aBuffer({ name: `b${number}`, id: number, builtAt: 1 })),
        sessions: many.map((number) =>
          aSession({ token: `b${number}`, id: 100_000 + number, kind: 'persistent', buffer: `b${number}` }),
        ),
      })
    }
    const cost = async (cluster: ReturnType<typeof large>) => {
      const before = process.cpuUsage()
      await shown(['all'], withIndex(cluster))
      const { user, system } = process.cpuUsage(before)
      return user + system
    }
    const [small, big] = [large(1_000), large(10_000)]
    await cost(small)
    const costs: number[] = []
    for (let round = 0; round < 3; round++) costs.push((await cost(big)) / (await cost(small)))
    costs.sort((a, b) => a - b)
    expect(costs[0]).to.be.lessThan(40)
  })

  for (const word of ['', 'constructor', '__proto__', 'toString', "it's"]) {
    it(`refuses ${JSON.stringify(word)} and says what there is`, async () => {
      const deps = { cluster: aCluster(), config: { pools: {} } as never, clock, userName: String }
      const refused = await dwstat([word], deps)
      expect(refused)
        .to.have.property('refused')
        .that.matches(/^dwstat: unknown word .*: write one of pools, sessions/)
    })
  }
})

/** With what the scheduler's cache keeps of it. */
function withIndex(cluster: ReturnType<typeof aCluster>): ReturnType<typeof aCluster> {
  const index = new Indexes(cluster)
  for (const [key, buffer] of cluster.buffers) index.addBuffer(key, buffer)
  for (const [key, session] of cluster.sessions) index.addSession(key, session)
  for (const [host, { devices }] of cluster.inventories) index.replaceDevices(host, [], devices)
  return { ...cluster, index }
}
