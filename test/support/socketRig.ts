import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, type Log } from '../../src/daemon/log.js'
import { type Clock, systemClock } from '../../src/daemon/clock.js'
import { type Scheduler, startScheduler } from '../../src/scheduler/scheduler.js'
import { FakeEtcd } from '../../src/store/fake.js'
import { accountEntries, alice, type Hosted } from './builders.js'
import { aConfig } from './decisions.js'
import { HandAgents } from './handAgents.js'
import { insistOnAnswer } from './openApi.js'
import { type Answered, callSocket } from './socketCall.js'

/** Leases outlive the scheduler that held them, and must not keep the tests' process alive. */
const backgroundClock: Clock = {
  ...systemClock,
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** A whole scheduler on a real unix socket, on an etcd in memory; its agents do what they are told. */
export class SocketRig {
  readonly directory = mkdtempSync(join(tmpdir(), 'bb-socket-'))
  readonly socket = join(this.directory, 'scheduler.sock')
  readonly etcd = new FakeEtcd(backgroundClock)
  readonly agents = new HandAgents(this.etcd)
  private scheduler: Scheduler | undefined

  get cache() {
    return this.scheduler!.cache
  }

  async start(hosts: Hosted[], log: Log = silentLog): Promise<void> {
    await this.agents.add(...hosts)
    this.agents.obey()
    const known = new Map(accountEntries)
    const accounts = {
      lookUp: (uid: number) => Promise.resolve(known.get(uid)),
      userName: (uid: number) => (uid === alice.uid ? 'alice' : String(uid)),
      learn: () => {},
      problem: () => undefined,
      groupId: () => Promise.resolve(undefined),
      groupsOf: (uid: number) => Promise.resolve([uid]),
    }
    this.scheduler = await startScheduler({
      store: this.etcd.open(),
      config: aConfig({ socket: this.socket }),
      candidate: { host: 'head', pid: process.pid },
      accounts,
      clock: systemClock,
      log,
    })
    const { committer } = this.scheduler
    if (!(await committer.waitFor(() => committer.isLeader() || undefined, 10_000))) throw new Error('it never led')
  }

  async stop(): Promise<void> {
    await this.scheduler?.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Writes a document by hand, or deletes it, and waits until the scheduler has read it. */
  async put(key: string, value: object | undefined): Promise<void> {
    const store = this.etcd.open()
    const written = await store.write([], [value ? { put: key, value } : { delete: key }])
    await store.close()
    const { cache, committer } = this.scheduler!
    const seen = () => (value ? written.won && cache.revisionOf(key) >= written.revision : cache.revisionOf(key) === 0)
    await committer.waitFor(() => seen() || undefined, 10_000)
  }

  /** Throws when the answer is not what the OpenAPI document says of it. */
  async call(method: string, path: string, body?: object | string): Promise<Answered> {
    const answered = await callSocket(this.socket, method, path, body)
    insistOnAnswer(method, path, answered)
    return answered
  }

  async json<T = Record<string, unknown>>(method: string, path: string, body?: object | string): Promise<T> {
    return JSON.parse((await this.call(method, path, body)).text) as T
  }
}
