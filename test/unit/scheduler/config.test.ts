import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import { ConfigError } from '../../../src/daemon/configFile.js'
import { readSchedulerConfig } from '../../../src/scheduler/config.js'
import { useConfigFile } from '../../support/configFile.js'

describe("the scheduler's configuration", () => {
  const { file, read, refusal } = useConfigFile('scheduler.yaml', readSchedulerConfig)

  const etcd = "etcd: { endpoints: ['http://head:2379'], insecure: true }\n"
  const good = `${etcd}pools: { fast: { granularity: 1TB } }\nstorageHosts: [gluster1]\ncluster: hpc1\n`

  it('takes TLS for the data plane direct alone', () => {
    const poolWith = (words: string) => good.replace('1TB', `1TB, ${words}`)
    expect(read(poolWith('dataPlane: direct, tls: true')).pools['fast']).to.include({ tls: true })
    expect(read(poolWith('dataPlane: direct')).pools['fast']).not.to.have.property('tls')
    for (const plane of ['', 'dataPlane: glusterd, '])
      expect(refusal(poolWith(`${plane}tls: true`)))
        .to.contain('pools.fast.tls')
        .and.to.contain('dataPlane: direct')
  })

  it('has the defaults that the sample tells, a minute below the limits of the sample of burst_buffer.conf', () => {
    const sample = readFileSync('etc/scheduler.yaml', 'utf8')
    const told = /^# waitSeconds: (\{.*\})$/m.exec(sample)?.[1]
    const { waitSeconds } = read(good)
    expect(parseYaml(told!)).to.deep.equal(waitSeconds)
    for (const key of Object.keys(waitSeconds)) expect(sample).to.match(new RegExp(`^#   ${key} `, 'm'))
    const limits = readFileSync('slurm/burst_buffer.conf', 'utf8')
    const limit = (name: string) => Number(new RegExp(`^${name}=([0-9]+)$`, 'm').exec(limits)![1])
    const { setup, postRun, teardown, stageIn, stageOut } = waitSeconds
    expect(Math.max(setup, postRun, teardown)).to.be.at.most(limit('OtherTimeout') - 60)
    expect(stageIn).to.be.at.most(limit('StageInTimeout') - 60)
    expect(stageOut).to.be.at.most(limit('StageOutTimeout') - 60)
  })

  it('takes flags over the file', () => {
    const config = read(`${good}socket: /run/a.sock\n`, '--socket', '/run/b.sock', '--etcd', 'http://a:1,http://b:2')
    expect(config.socket).to.equal('/run/b.sock')
    expect(config.etcd.endpoints).to.deep.equal(['http://a:1', 'http://b:2'])
  })

  it('reads sizes as people write them', () => {
    expect(read(good).pools['fast']).to.include({ granularityBytes: 1e12 })
    expect(read(good.replace('1TB', '1TiB')).pools['fast']).to.include({ granularityBytes: 1024 ** 4 })
    expect(read(good.replace('1TB', '4096')).pools['fast']).to.include({ granularityBytes: 4096 })
  })

  it('wipes by discard unless a pool says otherwise', () => {
    const wipeOf = (wipe: string) => read(good.replace('1TB', `1TB, wipe: ${wipe}`)).pools['fast']?.wipe
    expect(read(good).pools['fast']).not.to.have.property('wipe')
    expect(['discard', 'zero', 'sanitize'].map(wipeOf)).to.deep.equal([undefined, 'zero', 'sanitize'])
    expect(refusal(good.replace('1TB', '1TB, wipe: ends'))).to.contain('pools.fast.wipe')
    // One buffer may take them all, in one transaction.
    expect(read(good.replace('1TB', '1TB, spares: 20')).pools['fast']?.spares).to.equal(20)
    expect(refusal(good.replace('1TB', '1TB, spares: 21'))).to.contain('pools.fast.spares')
  })

  it('takes the only pool for the one of requests that name none', () => {
    expect(read(good).pools['fast']!.isDefault).to.equal(true)
    const two = read(
      `${etcd}pools: { fast: { granularity: 1TB }, slow: { granularity: 1TB, default: true } }\nstorageHosts: ['g*']\ncluster: hpc1\n`,
    )
    expect(Object.values(two.pools).map(({ isDefault }) => isDefault)).to.deep.equal([false, true])
  })

  for (const [what, text, words] of [
    ['an unknown key', `${good}pol: {}\n`, ['unknown pol']],
    [
      'an unknown key of a pool',
      good.replace('granularity: 1TB', 'granularity: 1TB, size: 2'),
      ['unknown pools.fast.size'],
    ],
    [
      'the sharding that was removed',
      good.replace('1TB', "1TB, privateShard: '64MiB'"),
      ['pools.fast.privateShard: privateShard was removed', 'files cut into shards were damaged', 'delete this line'],
    ],
    ['no pool', `${etcd}pools: {}\n`, ['pools: expected at least one pool', 'found {}']],
    ['no etcd', 'pools: { fast: { granularity: 1TB } }\n', ['etcd: ', 'found nothing']],
    ['an etcd without a scheme', good.replace('http://head:2379', 'head:2379'), ['etcd.endpoints.0: expected a URL']],
    ['a granularity with decimals', good.replace('1TB', '3.5TB'), ['pools.fast.granularity: ', 'found "3.5TB"']],
    ['a granularity of nothing', good.replace('1TB', '0'), ['pools.fast.granularity: ', 'found 0']],
    ['a pool name with a slash', good.replace('fast', "'a/b'"), ['pools']],
    [
      'two default pools',
      `${etcd}pools: { a: { granularity: 1TB, default: true }, b: { granularity: 1TB, default: true } }\n`,
      ['pools: expected `default: true` at one pool at most'],
    ],
    ['no name of the cluster', good.replace('cluster: hpc1', ''), ['cluster: ', 'found nothing']],
    ['no storage hosts', good.replace('[gluster1]', '[]'), ['storageHosts: ', 'found []']],
    [
      'storage hosts that are all hosts',
      good.replace('gluster1', "'*'"),
      ['storageHosts.0: expected a glob that does not name every host', 'found "*"'],
    ],
    [
      'storage hosts as Slurm lists them',
      good.replace('gluster1', "'g[1-2]'"),
      ['storageHosts.0: expected a host name'],
    ],
    ['a socket that is no absolute path', `${good}socket: scheduler.sock\n`, ['socket: expected an absolute path']],
    ['a time that is no number', `${good}hostGraceSeconds: soon\n`, ['hostGraceSeconds: ', 'found "soon"']],
    ['an unknown time', `${good}waitSeconds: { prerun: 3 }\n`, ['unknown waitSeconds.prerun']],
    [
      'a network that is none',
      `${good}computeNetworks: ['10.1.0.0/16, x']\n`,
      ['computeNetworks.0: expected a host name'],
    ],
    ['an unknown level of the log', `${good}log: { level: loud }\n`, ['log.level: ', 'found "loud"']],
    ['a file that is no YAML', 'pools: [\n', ['not valid YAML']],
  ] as const) {
    it(`refuses ${what}, naming the file, the key and what is expected`, () => {
      const message = refusal(text)
      expect(message).to.contain(file)
      for (const word of words) expect(message).to.contain(word)
    })
  }

  it('refuses flags that are wrong, and names them', () => {
    expect(refusal(good, '--socket', 'here'))
      .to.contain('--socket')
      .and.contain('expected an absolute path')
    expect(refusal(good, '--etcd', 'head'))
      .to.contain('--etcd')
      .and.contain('expected a URL')
    expect(refusal(good, '--sockte', '/run/a'))
      .to.contain('--sockte')
      .and.contain('--socket PATH')
  })

  it('says which file is not there', () => {
    const missing = `${file}.missing`
    expect(() => readSchedulerConfig(['--config', missing])).to.throw(ConfigError, `${missing}: cannot be read`)
  })
})
