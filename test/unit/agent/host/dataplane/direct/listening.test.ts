import { expect } from 'chai'
import { listeningIn } from '../../../../../../src/agent/host/dataplane/direct/listening.js'

describe('ports that something listens on', () => {
  it('are read from the table of the kernel, with whose program it is, and no connection is among them', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 00000000:7148 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 30012 1 0 100 0 0 10 0',
      '   1: 0100007F:7149 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 30013 1 0 100 0 0 10 0',
      '   2: 0100007F:714A 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 30014 1 0 100 0 0 10 0',
      '',
    ].join('\n')
    expect(listeningIn(table)).to.deep.equal([
      { port: 29_000, uid: 0 },
      { port: 29_001, uid: 1000 },
    ])
    const rest = '0A 00000000:00000000 00:00000000 00000000     0        0 30012 1'
    const tcp6 = `  10: ${'0'.repeat(32)}:714B ${'0'.repeat(32)}:0000 ${rest}\n`
    expect(listeningIn(tcp6)).to.deep.equal([{ port: 29_003, uid: 0 }])
  })
})
