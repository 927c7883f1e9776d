import { expect } from 'chai'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wipeRanges } from '../../../../../src/agent/host/disk/wipe.js'
import { globPattern } from '../../../../../src/agent/host/disk/discover.js'
import { describeBlkid, usersOf } from '../../../../../src/agent/host/disk/disks.js'

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
      { position: 512, length: 4 * mebibyte - 512 },
      { position: 0, length: 512 },
    ])
  })

  it('stays within a device that is smaller than its ends', () => {
    for (const size of [4096, mebibyte, mebibyte + 4096, 4 * mebibyte, 5 * mebibyte]) {
      for (const { position, length } of wipeRanges(size)) expect(position + length).to.be.at.most(size)
    }
  })
})

describe('who holds a device', () => {
  let sysfs: string
  const users = () => usersOf({ path: '/dev/x', numbers: '9:9', sysfs }, new Map())

  beforeEach(() => {
    sysfs = mkdtempSync(join(tmpdir(), 'burstbuffer-sysfs-'))
  })
  afterEach(() => rmSync(sysfs, { recursive: true }))

  it('is nobody when the kernel has no list', async () => {
    expect(await users()).to.deep.equal([])
  })

  it('is everybody in the list', async () => {
    mkdirSync(join(sysfs, 'holders', 'dm-0'), { recursive: true })
    expect(await users()).to.deep.equal(['held by dm-0'])
  })

  it('is somebody when the list cannot be read', async () => {
    writeFileSync(join(sysfs, 'holders'), '')
    const found = await users()
    expect(found).to.have.length(1)
    expect(found[0]).to.contain('ENOTDIR')
  })
})
