import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { until } from '../../lab/common/until.js'

/** A real etcd of one member on loopback, with its data in a directory of its own. */
export interface TestEtcd {
  readonly port: number
  readonly url: string
  /** etcdctl on it; gives what it prints. */
  ctl(...words: string[]): string
  signal(signal: NodeJS.Signals): void
  /** As by a power cut: its data stays. */
  kill(): Promise<void>
  /** Starts it again after `kill`, on the same port with the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Where there is no etcd the suite is skipped, and counted so. */
export function needsEtcd(context: Context): void {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' })
  } catch {
    context.skip()
  }
}

/** Certificates by etc/etcd-tls.sh: the member's name, and whose etcdctl asks with. */
export interface EtcdTls {
  directory: string
  name: string
  client: string
}

/** Words are more flags of etcd.. */
export async function startEtcd(...more: (string | { tls: EtcdTls })[]): Promise<TestEtcd> {
  return startEtcdAt(await freePort(), ...more)
}

export async function startEtcdAt(port: number, ...more: (string | { tls: EtcdTls })[]): Promise<TestEtcd> {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-etcd-'))
  const peerPort = await freePort()
  const tls = more.find((word) => typeof word !== 'string')?.tls
  const scheme = tls ? 'https' : 'http'
  const url = `${scheme}://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${peerPort}`
  const flags = [
    ...['--name', 'test', '--data-dir', directory, '--logger', 'zap', '--log-level', 'error'],
    ...[
      '--listen-client-urls',
      `${scheme}://127.0.0.1:${port},${scheme}://127.0.0.2:${port}`,
      '--advertise-client-urls',
      url,
    ],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `test=${peer}`],
  ]
  const words = more.filter((word) => typeof word === 'string')
  const run = () => {
    const child = spawn('etcd', [...flags, ...(tls ? serverFlags(tls) : []), ...words], { stdio: 'ignore' })
    return { child, ended: once(child, 'exit') }
  }
  let { child, ended } = run()
  const ctl = (...words: string[]) =>
    execFileSync('etcdctl', words, {
      encoding: 'utf8',
      env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: url, ...(tls ? clientEnvironment(tls) : {}) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const answers = () =>
    until({ what: `etcd answers on ${url}` }, () => Promise.resolve(ctl('endpoint', 'health') !== undefined))
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  await answers()
  return {
    port,
    url,
    ctl,
    signal: (signal) => child.kill(signal),
    kill,
    restart: async () => {
      ;({ child, ended } = run())
      await answers()
    },
    stop: async () => {
      await kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function serverFlags({ directory, name }: EtcdTls): string[] {
  return [
    ...['--cert-file', join(directory, `${name}.pem`), '--key-file', join(directory, `${name}-key.pem`)],
    ...['--trusted-ca-file', join(directory, 'ca.pem'), '--client-cert-auth'],
  ]
}

function clientEnvironment({ directory, client }: EtcdTls): Record<string, string> {
  return {
    ETCDCTL_CACERT: join(directory, 'ca.pem'),
    ETCDCTL_CERT: join(directory, `${client}.pem`),
    ETCDCTL_KEY: join(directory, `${client}-key.pem`),
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** A cluster of real etcd members on loopback. */
export interface Members {
  readonly urls: string[]
  /** The index of the member that leads, as the others see it. */
  leader(): Promise<number>
  signal(index: number, signal: NodeJS.Signals): void
  kill(index: number): Promise<void>
  stop(): Promise<void>
}

export async function startMembers(count: number): Promise<Members> {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-etcd-'))
  const members = await Promise.all(
    Array.from({ length: count }, async (_, index) => ({
      name: `member${index}`,
      url: `http://127.0.0.1:${await freePort()}`,
      peer: `http://127.0.0.1:${await freePort()}`,
    })),
  )
  const cluster = members.map(({ name, peer }) => `${name}=${peer}`).join()
  const children = members.map(({ name, url, peer }) => {
    const flags = [
      ...['--name', name, '--data-dir', join(directory, name), '--logger', 'zap', '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', cluster],
    ]
    const child = spawn('etcd', flags, { stdio: 'ignore' })
    return { child, ended: once(child, 'exit') }
  })
  const urls = members.map(({ url }) => url)
  const kill = async (index: number) => {
    children[index]!.child.kill('SIGKILL')
    await children[index]!.ended
  }
  const leader = () =>
    until({ what: 'an etcd member leads' }, async () => {
      const found = await Promise.all(urls.map(leads))
      return found.includes(true) ? found.indexOf(true) : undefined
    })
  await leader()
  return {
    urls,
    leader,
    signal: (index, signal) => void children[index]!.child.kill(signal),
    kill,
    stop: async () => {
      await Promise.all(children.map((_, index) => kill(index)))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Whether this member is its cluster's leader; a member that does not answer is not. */
function leads(url: string): Promise<boolean> {
  const words = ['--command-timeout=1s', 'endpoint', 'status', '--write-out=json']
  const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: url }
  return new Promise((resolve) => {
    execFile('etcdctl', words, { env, timeout: 3_000 }, (error, out) => {
      if (error) return resolve(false)
      const [{ Status }] = JSON.parse(out) as [{ Status: { leader: number; header: { member_id: number } } }]
      resolve(Status.leader === Status.header.member_id)
    })
  })
}
