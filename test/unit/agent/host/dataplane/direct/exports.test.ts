import { expect } from 'chai'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportsMade, makeExports } from '../../../../../../src/agent/host/dataplane/direct/exports.js'
import { aUuid } from '../../../../../support/builders.js'

const login = { user: 'user', password: 'p'.repeat(64) }
const owner = { uid: process.getuid!(), gid: process.getgid!() }
const noCommands = () => Promise.reject(new Error('no command is needed'))

describe('an export that was made before', () => {
  let brick: string
  beforeEach(() => {
    brick = mkdtempSync(join(tmpdir(), 'burstbuffer-export-'))
    mkdirSync(join(brick, '.glusterfs'))
  })
  afterEach(() => rmSync(brick, { recursive: true }))
  const wanted = (mode: number) => [{ name: 'striped', directory: '/', ...owner, mode, login }]
  const modeOf = () => statSync(brick).mode & 0o7777

  it('is given to the group that it is shared with later', async () => {
    expect(await exportsMade([brick], wanted(0o2770))).to.deep.equal([])
    await makeExports(brick, aUuid(1), wanted(0o2770), noCommands)
    expect(modeOf()).to.equal(0o2770)
    expect(await exportsMade([brick], wanted(0o2770))).to.deep.equal(['/'])
  })

  it('stays as its owner has changed it when it is not shared', async () => {
    const changed = modeOf()
    expect(await exportsMade([brick], wanted(0o750))).to.deep.equal(['/'])
    await makeExports(brick, aUuid(1), wanted(0o750), noCommands)
    expect(modeOf()).to.equal(changed)
  })
})
