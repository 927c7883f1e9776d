import { expect } from 'chai'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { runProgram } from '../../support/program.js'
import { Proxy } from '../../support/proxy.js'

const source = 'test/support/closingStore.ts'

describe('a process that has closed its store', function () {
  this.timeout(120_000)
  let etcd: TestEtcd

  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd()
  })
  after(() => etcd?.stop())

  it('ends by itself, watch and lease notwithstanding', async () => {
    expect(await runProgram(source, [etcd.url])).to.deep.equal({ code: 0, stdout: 'closed', stderr: '' })
  })

  it('ends by itself when the link was cut under it', async () => {
    const proxy = await Proxy.to(etcd.port)
    const stopWatching = proxy.onBytes((_, bytes) => {
      if (!bytes.includes('hosts/closing')) return
      stopWatching()
      proxy.cut()
    })
    const { code, stdout } = await runProgram(source, [proxy.url])
    await proxy.close()
    expect({ code, stdout }).to.deep.equal({ code: 0, stdout: 'closed' })
  })
})
