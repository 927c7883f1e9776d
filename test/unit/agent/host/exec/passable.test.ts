import { expect } from 'chai'
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makePassable } from '../../../../../src/agent/host/exec/passable.js'
import { runCommand } from '../../../../../src/agent/host/exec/run.js'

describe('the umask of the agent', () => {
  let own: number
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'burstbuffer-umask-'))
    own = process.umask(0o077)
  })
  afterEach(() => {
    process.umask(own)
    rmSync(directory, { recursive: true })
  })

  const modeOf = (path: string) => (statSync(join(directory, path)).mode & 0o7777).toString(8)

  it('closes no directory that users pass through, nor those above it', async () => {
    await makePassable(join(directory, 'mnt/3.20/striped'), '755', runCommand)
    await makePassable(join(directory, 'run/transfers'), '711', runCommand)
    expect(['mnt', 'mnt/3.20', 'mnt/3.20/striped', 'run', 'run/transfers'].map(modeOf)).to.deep.equal([
      ...['755', '755', '755'],
      ...['755', '711'],
    ])
  })

  it('opens one that was made closed, and leaves those above it as they are', async () => {
    mkdirSync(join(directory, 'mnt/3.20'), { recursive: true })
    await makePassable(join(directory, 'mnt/3.20'), '755', runCommand)
    expect(['mnt', 'mnt/3.20'].map(modeOf)).to.deep.equal(['700', '755'])
  })
})
