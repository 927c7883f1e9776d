import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../../src/store/etcd.js'
import { StoreUnavailable } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'

describe('etcd with TLS and client certificates, as etc/etcd-tls.sh makes them', function () {
  this.timeout(60_000)
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-tls-'))
  const file = (name: string) => join(directory, name)
  const make = (...words: string[]) => execFileSync('etc/etcd-tls.sh', [directory, ...words], { stdio: 'pipe' })
  let etcd: TestEtcd

  before(async function () {
    needsEtcd(this)
    make('ca')
    make('member', 'etcd1', '127.0.0.1', 'etcd1.example.org', '::1')
    make('client', 'scheduler', 'gluster1')
    etcd = await startEtcd({ tls: { directory, name: 'etcd1', client: 'scheduler' } })
  })
  after(async () => {
    await etcd?.stop()
    rmSync(directory, { recursive: true })
  })

  /** What a program gets from etcd with these settings. */
  async function gets(url: string, tls?: { caFile: string; certFile?: string; keyFile?: string }) {
    const store = openStore(
      { endpoints: [url], ...(tls ? { tls } : {}) },
      { timings: { callMs: 1_000, giveUpMs: 500 } },
    )
    try {
      return await store.list('')
    } catch (error) {
      return error
    } finally {
      await store.close()
    }
  }
  const certificate = (name: string) => ({ certFile: file(`${name}.pem`), keyFile: file(`${name}-key.pem`) })

  it('lets a program with a certificate in, and tells it how full the database is', async () => {
    const tls = { caFile: file('ca.pem'), ...certificate('gluster1') }
    expect(await gets(etcd.url, tls)).to.have.property('entries')
    const store = openStore({ endpoints: [etcd.url], tls })
    expect(await store.usage()).to.include({ isFull: false })
    await store.close()
  })

  it('keeps a program out that has none', async () => {
    expect(await gets(etcd.url, { caFile: file('ca.pem') })).to.be.instanceOf(StoreUnavailable)
  })

  it('keeps a program out that speaks in clear', async () => {
    expect(await gets(etcd.url.replace('https', 'http'))).to.be.instanceOf(StoreUnavailable)
  })

  it('is not taken for etcd when another authority says so, or by another name', async () => {
    const other = mkdtempSync(join(tmpdir(), 'burstbuffer-tls-'))
    execFileSync('etc/etcd-tls.sh', [other, 'ca'], { stdio: 'pipe' })
    const caFile = join(other, 'ca.pem')
    expect(await gets(etcd.url, { caFile, ...certificate('gluster1') })).to.be.instanceOf(StoreUnavailable)
    rmSync(other, { recursive: true })
    const byAnother = etcd.url.replace('127.0.0.1', '127.0.0.2')
    expect(await gets(byAnother, { caFile: file('ca.pem'), ...certificate('gluster1') })).to.be.instanceOf(
      StoreUnavailable,
    )
  })

  it('has keys that root alone reads, and keeps what is there when it runs again', () => {
    for (const name of ['ca', 'etcd1', 'scheduler'])
      expect(statSync(file(`${name}-key.pem`)).mode & 0o777).to.equal(0o600)
    const before = statSync(file('scheduler.pem')).ino
    make('client', 'scheduler')
    expect(statSync(file('scheduler.pem')).ino).to.equal(before)
    expect(() => make('client', '../x')).to.throw(/not a valid name/)
  })
})
