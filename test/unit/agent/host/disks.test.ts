import { expect } from 'chai'
import { wipeRanges } from '../../../../src/agent/host/bricks.js'
import { globPattern } from '../../../../src/agent/host/discover.js'
import { describeBlkid } from '../../../../src/agent/host/disks.js'

describe('what blkid finds', () => {
  for (const [text, words] of [
    ['DEVNAME=/dev/x\nUUID=1\nTYPE=ext4\nUSAGE=filesystem\n', 'a signature of ext4'],
    ['TYPE=LVM2_member\nUSAGE=raid\n', 'an LVM physical volume'],
    ['TYPE=linux_raid_member\nUSAGE=raid\n', 'a RAID member (linux_raid_member)'],
    ['PTUUID=1\nPTTYPE=gpt\n', 'a partition table (gpt)'],
    ['DEVNAME=/dev/x\n', 'a signature that blkid knows'],
  ] as [string, string][]) {
    it(`is told as ${words}`, () => {
      expect(describeBlkid(text)).to.equal(words)
    })
  }
})

describe('a glob of devices', () => {
  for (const [glob, matching, other] of [
    ['nvme[1-9]n1', ['nvme1n1', 'nvme9n1'], ['nvme0n1', 'nvme10n1', 'nvme1n1p1', 'xnvme1n1']],
    ['nvme*n1', ['nvme1n1', 'nvme10n1'], ['nvme1n1p1', 'nvme1n2']],
    ['sd?', ['sda'], ['sda1', 'sd']],
    ['disk[!0]', ['disk1'], ['disk0', 'disk']],
    ['a.b+c', ['a.b+c'], ['aXb+c', 'a.bbc']],
  ] as [string, string[], string[]][]) {
    it(`${glob} matches whole names`, () => {
      const matches = (name: string) => globPattern(glob).test(name)
      expect([...matching, ...other].filter(matches)).to.deep.equal(matching)
    })
  }
})

describe('what a wipe zeroes', () => {
  const mebibyte = 1024 ** 2

  it('is both ends, the sector of the superblock last and alone', () => {
    expect(wipeRanges(10 * mebibyte)).to.deep.equal([
      { position: 9 * mebibyte, length: mebibyte },
      { position: 512, length: mebibyte - 512 },
      { position: 0, length: 512 },
    ])
  })

  it('stays within a device that is smaller than its ends', () => {
    for (const size of [4096, mebibyte, mebibyte + 4096]) {
      for (const { position, length } of wipeRanges(size)) expect(position + length).to.be.at.most(size)
    }
  })
})
