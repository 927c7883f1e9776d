import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import * as messages from './messages.js'

/** Something that this machine lacks. The message is one line for the user. */
export class Missing extends Error {
  override name = 'Missing'
}

export interface LocalEtcd {
  endpoint: string
  stop(): Promise<void>
}

const lastWords = 500

/** Starts etcd on free ports of the loopback interface, with its data in `directory`. It ends with this process. */
export async function startEtcd(directory: string): Promise<LocalEtcd> {
  const [client, peer] = await Promise.all([freePort(), freePort()])
  const endpoint = `http://127.0.0.1:${client}`
  const words = etcdFlags({ directory, client: endpoint, peer: `http://127.0.0.1:${peer}` })
  const child = spawn('etcd', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  const stop = stopper(child)
  try {
    await untilServing(child, endpoint)
  } catch (error) {
    await stop()
    throw error
  }
  return { endpoint, stop }
}

export function etcdFlags(of: { directory: string; client: string; peer: string }): string[] {
  const options = {
    name: 'standalone',
    'data-dir': join(of.directory, 'etcd'),
    'listen-client-urls': of.client,
    'advertise-client-urls': of.client,
    'listen-peer-urls': of.peer,
    'initial-advertise-peer-urls': of.peer,
    'initial-cluster': `standalone=${of.peer}`,
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': '1h',
    'quota-backend-bytes': String(2 * 1024 ** 3),
    'log-level': 'error',
  }
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`)
}

function untilServing(child: ChildProcess, endpoint: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    let ended = false
    child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-lastWords)))
    const end = (error?: Error) => {
      ended = true
      if (error) reject(error)
      else resolve()
    }
    child.on('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'ENOENT' ? new Missing(messages.noEtcd()) : error)
    })
    child.on('exit', (code) => end(new Error(messages.etcdEnded(code, said.trim()))))
    const ask = async () => {
      while (!ended) {
        const answer = await fetch(`${endpoint}/health`).catch(() => undefined)
        if (answer?.ok && /"true"/.test(await answer.text())) return end()
        await new Promise((next) => setTimeout(next, 50))
      }
    }
    void ask()
  })
}

function stopper(child: ChildProcess): () => Promise<void> {
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  return () =>
    new Promise((resolve) => {
      process.off('exit', kill)
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return resolve()
      child.on('exit', () => resolve())
      child.kill('SIGTERM')
    })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
