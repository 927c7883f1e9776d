import { expect } from 'chai'
import { writeFileSync } from 'node:fs'
import { belowStagePathsExpected, noMoreThanOfHost } from '../../../src/agent/messages.js'
import { readAgentConfig } from '../../../src/agent/config.js'
import { brickPortsOf } from '../../../src/agent/host/dataplane/direct/settings.js'
import { ConfigError } from '../../../src/daemon/configFile.js'
import { useConfigFile } from '../../support/configFile.js'

describe("the agent's configuration", () => {
  const { file, read, refusal } = useConfigFile('agent.yaml', (argv) => readAgentConfig(argv).config)

  const good = "roles: [storage]\netcd: { endpoints: ['http://head:2379'], insecure: true }\n"

  it('takes flags over the file', () => {
    const config = read(
      `${good}host: gluster1\n`,
      '--host',
      'c1',
      '--roles',
      'compute',
      '--etcd',
      'http://a:1,http://b:2',
    )
    expect(config).to.deep.include({ host: 'c1', roles: ['compute'] })
    expect(config.etcd.endpoints).to.deep.equal(['http://a:1', 'http://b:2'])
  })

  it('lists pools by paths and globs', () => {
    expect(read(`${good}pools: { fast: [/dev/nvme*n1] }\n`).pools).to.deep.equal({ fast: ['/dev/nvme*n1'] })
  })

  it('writes each path in one way, so that it is the same as in other settings', () => {
    expect(read(`${good}mountRoot: /mnt//burstbuffer/\nstagePaths: [/lustre/]\n`)).to.deep.include({
      mountRoot: '/mnt/burstbuffer',
      stagePaths: ['/lustre'],
    })
  })

  it('allows swap in clear only where that is written', () => {
    expect(read(good).swap).to.deep.equal({ plaintext: false })
    expect(read(`${good}swap: { plaintext: true }\n`).swap).to.deep.equal({ plaintext: true })
  })

  it('limits staging as written, and has four slots without', () => {
    expect(read(good).stageLimits).to.deep.equal({ host: { slots: 4 }, user: {}, paths: {} })
    const limits = '{ host: { slots: 8, bytesPerSecond: 2GB }, user: { slots: 2 }, paths: { /lustre/: { slots: 3 } } }'
    expect(read(`${good}stagePaths: [/lustre]\nstageLimits: ${limits}\n`).stageLimits).to.deep.equal({
      host: { slots: 8, bytesPerSecond: 2e9 },
      user: { slots: 2 },
      paths: { '/lustre': { slots: 3 } },
    })
  })

  for (const [what, limits, expected] of [
    ['a path that nobody stages from', '{ paths: { /home: { slots: 1 } } }', belowStagePathsExpected()],
    ['more slots for a user than for the host', '{ user: { slots: 5 } }', noMoreThanOfHost(4)],
    [
      'more slots for a path than for the host',
      '{ host: { slots: 2 }, paths: { /lustre: { slots: 3 } } }',
      noMoreThanOfHost(2),
    ],
    ['no slots', '{ host: { slots: 0 } }', 'stageLimits.host.slots'],
    ['a rate that is no size', '{ user: { bytesPerSecond: fast } }', 'stageLimits.user.bytesPerSecond'],
    ['a limit that it does not know', '{ host: { files: 3 } }', 'files'],
  ] as const) {
    it(`refuses ${what} among the limits of staging`, () => {
      expect(refusal(`${good}stagePaths: [/lustre]\nstageLimits: ${limits}\n`)).to.include(expected)
    })
  }

  it('has ports for bricks on a storage host, and none elsewhere', () => {
    expect(brickPortsOf(read(good))).to.deep.equal({ first: 29_000, last: 29_999 })
    expect(brickPortsOf(read(`${good}brickPorts: 30000-30099\n`))).to.deep.equal({ first: 30_000, last: 30_099 })
    expect(brickPortsOf(read(good.replace('storage', 'compute')))).to.equal(undefined)
  })

  for (const path of ['/mnt/../etc', '/mnt/./x', '/..', '/']) {
    it(`refuses ${path} as the root of mounts`, () => {
      expect(refusal(`${good}mountRoot: ${path}\n`)).to.match(/mountRoot: expected .*, found "/)
    })
  }

  it('is read again with the same flags', () => {
    writeFileSync(file, good)
    const { reread } = readAgentConfig(['--config', file, '--host', 'c1'])
    writeFileSync(file, `${good}pools: { fast: [/dev/x] }\n`)
    expect(reread()).to.deep.include({ host: 'c1', pools: { fast: ['/dev/x'] } })
  })

  for (const [what, text, words] of [
    ['an unknown key', `${good}pool: {}\n`, ['unknown pool']],
    [
      'a certificate without its key, which would not be used',
      "roles: [storage]\netcd: { endpoints: ['https://head:2379'], tls: { caFile: /a/ca, certFile: /a/cert } }\n",
      ['etcd.tls: expected certFile and keyFile together'],
    ],
    ['a key that is missing', 'roles: [storage]\n', ['etcd: ', 'found nothing']],
    ...['30000-29000', '80-90', '29000-70000', '29000', 'many'].map(
      (range) =>
        [`the ports ${range}`, `${good}brickPorts: ${range}\n`, ['brickPorts: expected two ports']] as [
          string,
          string,
          string[],
        ],
    ),
    [
      'ports of bricks where none are served',
      `${good.replace('storage', 'compute')}brickPorts: 29000-29099\n`,
      ['roles: expected storage among them, because brickPorts is set'],
    ],
    ['an unknown role', good.replace('storage', 'stroage'), ['roles.0: ', '"storage"', 'found "stroage"']],
    ['no role', good.replace('storage', ''), ['roles: ', 'found []']],
    [
      'a relative path',
      `${good}pools: { fast: [nvme0n1] }\n`,
      ['pools.fast.0: expected an absolute path, found "nvme0n1"'],
    ],
    [
      'a glob that is none',
      `${good}pools: { fast: ['/dev/sd[z-a]'] }\n`,
      ['pools.fast.0: expected a path whose last part is a name or a glob, found "/dev/sd[z-a]"'],
    ],
    [
      'an endpoint that is no URL',
      good.replace('http://', ''),
      ['etcd.endpoints.0: expected a URL', 'found "head:2379"'],
    ],
    [
      'an etcd without TLS that nobody asked for',
      good.replace(', insecure: true', ''),
      ['etcd.endpoints.0: expected https://', 'etcd.insecure: true', 'found "http://head:2379"'],
    ],
    [
      'insecure where it means nothing',
      good.replace('http:', 'https:'),
      ['etcd.insecure: expected false', 'found true'],
    ],
    ['no YAML', `${good}pools: [\n`, ['line', 'not valid YAML']],
  ] as [string, string, string[]][]) {
    it(`refuses ${what}, naming the file, the key and what was expected`, () => {
      const message = refusal(text)
      expect(message).to.contain(file)
      for (const word of words) expect(message).to.contain(word)
    })
  }

  it('refuses a wrong flag by its name', () => {
    expect(refusal(good, '--roles', 'stroage')).to.contain('flag --roles: ')
    expect(refusal(good, '--role', 'storage')).to.contain("Unknown option '--role'")
  })

  it('says which file cannot be read', () => {
    expect(() => readAgentConfig(['--config', '/nowhere/agent.yaml'])).to.throw(
      ConfigError,
      '/nowhere/agent.yaml: cannot be read',
    )
  })
})
