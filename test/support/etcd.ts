import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'mocha'
import { until } from '../../lab/until.js'

/** A real etcd of one member on loopback, with its data in a directory of its own. */
export interface TestEtcd {
  readonly port: number
  readonly url: string
  /** etcdctl on it; gives what it prints. */
  ctl(...words: string[]): string
  signal(signal: NodeJS.Signals): void
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

export async function startEtcd(...more: string[]): Promise<TestEtcd> {
  return startEtcdAt(await freePort(), ...more)
}

export async function startEtcdAt(port: number, ...more: string[]): Promise<TestEtcd> {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-etcd-'))
  const peerPort = await freePort()
  const url = `http://127.0.0.1:${port}`
  const peer = `http://127.0.0.1:${peerPort}`
  const flags = [
    ...['--name', 'test', '--data-dir', directory, '--logger', 'zap', '--log-level', 'error'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `test=${peer}`],
  ]
  const child: ChildProcess = spawn('etcd', [...flags, ...more], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  const ctl = (...words: string[]) =>
    execFileSync('etcdctl', words, {
      encoding: 'utf8',
      env: { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: url },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  await until({ what: `etcd answers on ${url}` }, () => Promise.resolve(ctl('endpoint', 'health') !== undefined))
  return {
    port,
    url,
    ctl,
    signal: (signal) => child.kill(signal),
    stop: async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(directory, { recursive: true, force: true })
    },
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
