import { expect } from 'chai'
import { describeBlkid } from '../../../../../src/agent/host/disk/deviceContent.js'

describe('what blkid finds', () => {
  for (const [text, words] of [
    ['DEVNAME=/dev/x\nUUID=1\nTYPE=ext4\nUSAGE=filesystem\n', 'a signature of ext4 1'],
    ['TYPE=LVM2_member\nUSAGE=raid\n', 'an LVM physical volume'],
    ['TYPE=linux_raid_member\nUSAGE=raid\n', 'a RAID member (linux_raid_member)'],
    ['PTUUID=1\nPTTYPE=gpt\n', 'a partition table (gpt) 1'],
    ['DEVNAME=/dev/x\n', 'a signature that blkid knows'],
  ] as [string, string][]) {
    it(`is told as ${words}`, () => {
      expect(describeBlkid(text)).to.equal(words)
    })
  }
})
