import { expect } from 'chai'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { systemClock } from '../../../src/daemon/clock.js'
import { silentLog } from '../../../src/daemon/log.js'
import { Connection, defaultTimings, reconnectMs } from '../../../src/store/connection.js'
import { HandClock } from '../../support/handClock.js'

describe('a connection to etcd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-tls-'))
  const caFile = join(directory, 'ca.pem')
  const open = () =>
    new Connection({ endpoints: ['https://127.0.0.1:1'], tls: { caFile } }, defaultTimings, systemClock, silentLog)

  after(() => rmSync(directory, { recursive: true }))

  it('is made again while its certificates are exchanged', async () => {
    writeFileSync(caFile, rootCertificates[0]!)
    const connection = open()
    expect(connection.state).to.equal('idle')
    const { generation } = await connection.ready()
    expect(connection.state).to.equal('open')
    rmSync(caFile)
    connection.failed(generation, 0, new Error('14 UNAVAILABLE: Connection dropped'))
    expect(connection.state).to.equal('idle')
    expect((await connection.ready()).generation).to.be.above(generation)
    connection.close()
    expect(connection.state).to.equal('closed')
    expect(await connection.ready().catch(String)).to.contain('closed')
  })

  it('is not opened without the certificates that it is told of', () => {
    rmSync(caFile, { force: true })
    expect(open).to.throw(/ENOENT.*ca\.pem/)
  })

  it('waits the longer before it connects again the longer etcd is away, and never as long as a lease lasts', () => {
    const always = (share: number) => () => share
    expect(reconnectMs(0, always(1))).to.equal(50)
    expect(reconnectMs(5_000, always(1))).to.equal(2_500)
    expect(reconnectMs(5_000, always(0))).to.equal(1_250)
    expect(reconnectMs(3_600_000, always(1))).to.equal(5_000)
  })

  it('ends every pause between two tries when it is closed, and begins none from then on', async () => {
    const clock = new HandClock()
    const connection = new Connection({ endpoints: ['http://127.0.0.1:1'] }, defaultTimings, clock, silentLog)
    const refused = connection.retryRead(() => Promise.reject(Object.assign(new Error('away'), { code: 14 })))
    const pauses = [refused.catch(String), connection.pause(5)]
    await new Promise((resolve) => setImmediate(resolve))
    connection.close()
    expect((await Promise.all(pauses))[0]).to.contain('closed')
    await connection.pause(5)
    expect(clock.timersLeft).to.equal(0)
  })
})
