import { expect } from 'chai'
import { copyArguments, parseProgress, progressInto } from '../../../../../../src/agent/host/staging/copy/rsync.js'
import { transferPathsOf } from '../../../../../../src/agent/host/staging/paths.js'
import { aDesiredTransfer } from '../../../../../support/desired.js'

describe('what rsync says of its progress', () => {
  it('is the last line that it has finished', () => {
    const said =
      '\r           1092   0%   76.03kB/s    0:00:00 (xfr#300, to-chk=2/304)\r      314573892 100%  335.95MB/s    0:00:00 (xfr#301, to-chk=0/304)'
    expect(parseProgress(said)).to.deep.equal({ bytes: 314573892, files: 301 })
  })

  it('tells bytes in the middle of a file too', () => {
    expect(parseProgress('      98304   3%    1.00MB/s    0:01:00  ')).to.deep.equal({ bytes: 98304, files: 0 })
  })

  it('is read rightly wherever a chunk ends', () => {
    const said = Array.from(
      { length: 30 },
      (_, n) => `\r  ${1000 + n}  ${n}%  76.03kB/s  0:00:00 (xfr#${n}, to-chk=2/304)`,
    )
    const text = `${said.join('')}\r\n`
    for (let size = 1; size < 60; size++) {
      const told: { bytes: number; files: number }[] = []
      const take = progressInto((progress) => told.push(progress))
      for (let at = 0; at < text.length; at += size) take(Buffer.from(text.slice(at, at + size)))
      expect(told.at(-1)).to.deep.equal({ bytes: 1029, files: 29 })
      expect(told.filter(({ bytes, files }) => bytes !== 1000 + files)).to.deep.equal([])
    }
  })

  it('is nothing in other words', () => expect(parseProgress('sending incremental file list\n')).to.equal(undefined))
})

describe('how rsync is told to copy', () => {
  const words = (
    parts: Parameters<typeof aDesiredTransfer>[0],
    isSparse = false,
    isInPlace = true,
    bytesPerSecond = 0,
  ) => copyArguments({ transfer: aDesiredTransfer(parts), isInPlace, bytesPerSecond }, { isSparse })

  it('in place, or else by way of the work directory', () => {
    expect(words({ direction: 'in' })).to.include('--inplace')
    const transfer = aDesiredTransfer({ direction: 'out' })
    expect(words({ direction: 'out' }, false, false))
      .to.include(`--temp-dir=${transferPathsOf(transfer).notesDirectory}`)
      .and.not.to.include('--inplace')
  })

  it('with no more bytes a second than it may', () => {
    expect(words({}, false, true, 10_000_000)).to.include('--bwlimit=9766K')
    expect(words({}).join(' ')).not.to.include('--bwlimit')
  })

  it('with a look for holes only where there are any', () => {
    expect(words({}, true)).to.include('--sparse')
    expect(words({}, false)).not.to.include('--sparse')
  })

  it('by contents only where an earlier attempt has compared them', () => {
    expect(words({ verify: true, attempt: 2 })).to.include('--checksum')
    expect(words({ verify: true, attempt: 1 })).not.to.include('--checksum')
    expect(words({ verify: false, attempt: 2 })).not.to.include('--checksum')
  })
})
