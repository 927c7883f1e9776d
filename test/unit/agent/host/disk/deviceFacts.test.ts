import { expect } from 'chai'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { heldBy } from '../../../../../src/agent/host/disk/messages.js'
import { usersOf } from '../../../../../src/agent/host/disk/deviceFacts.js'

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
    expect(await users()).to.deep.equal([heldBy('dm-0')])
  })

  it('is somebody when the list cannot be read', async () => {
    writeFileSync(join(sysfs, 'holders'), '')
    const found = await users()
    expect(found).to.have.length(1)
    expect(found[0]).to.contain('ENOTDIR')
  })
})
