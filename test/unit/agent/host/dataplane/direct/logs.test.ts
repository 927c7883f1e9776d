import { expect } from 'chai'
import {
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesOf } from '../../../../../../src/agent/host/dataplane/direct/files.js'
import { maxLogBytes, removeLog, tendLogs } from '../../../../../../src/agent/host/dataplane/direct/logs.js'

const now = 2_000_000_000

describe('logs of processes', () => {
  let directory: string
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'burstbuffer-logs-'))))
  afterEach(() => rmSync(directory, { recursive: true }))
  const files = (id: string) => filesOf('brick', id, { run: '/nowhere', log: directory })
  /** Open to append, as GlusterFS has it. */
  const writes = (id: string, bytes: number, at = now): number => {
    const file = openSync(files(id).log, 'a', 0o600)
    writeSync(file, `${id} begins`)
    truncateSync(files(id).log, bytes)
    utimesSync(files(id).log, at, at)
    return file
  }
  const names = () => readdirSync(directory).sort()

  it('are emptied when they are long, while their process goes on writing, and their former part is kept once', async () => {
    const file = writes('a', maxLogBytes + 1)
    writes('b', maxLogBytes)
    const running = [files('a'), files('b')]
    await tendLogs(directory, running, now)
    expect(names()).to.deep.equal(['brick-a.log', 'brick-a.log.1', 'brick-b.log'])
    expect(statSync(files('a').log).size).to.equal(0)
    expect(statSync(`${files('a').log}.1`).mode & 0o777).to.equal(0o600)
    expect(readFileSync(`${files('a').log}.1`, 'utf8').slice(0, 8)).to.equal('a begins')
    writeSync(file, 'more')
    expect(readFileSync(files('a').log, 'utf8')).to.equal('more')
    truncateSync(files('a').log, maxLogBytes + 1)
    await tendLogs(directory, running, now)
    expect(readFileSync(`${files('a').log}.1`, 'utf8').slice(0, 4)).to.equal('more')
    await removeLog(files('a'))
    expect(names()).to.deep.equal(['brick-b.log'])
  })

  it('go when nothing was written for a week and no process has them, and nothing else does', async () => {
    const old = now - 8 * 86_400
    writes('ended', 1, old)
    writes('runs', 1, old)
    writes('new', 1)
    openSync(join(directory, 'glusterd.log'), 'a')
    utimesSync(join(directory, 'glusterd.log'), old, old)
    await tendLogs(directory, [files('runs')], now)
    expect(names()).to.deep.equal(['brick-new.log', 'brick-runs.log', 'glusterd.log'])
  })

  it('need no directory', async () => {
    await tendLogs(join(directory, 'none'), [], now)
  })
})
