import { expect } from 'chai'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  prepareLog,
  readLog,
  requireClosed,
  writeSecret,
} from '../../../../../../src/agent/host/dataplane/direct/files.js'

describe('the files of a process', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'burstbuffer-files-'))
  })

  afterEach(() => rmSync(directory, { recursive: true }))

  async function errorOf(path: string): Promise<string> {
    return requireClosed(path).then(
      () => 'none',
      (error: unknown) => (error as Error).message,
    )
  }

  it('contain secrets in a closed directory alone', async () => {
    expect(await errorOf(directory)).to.equal('none')
    symlinkSync(directory, join(directory, 'link'))
    expect(await errorOf(join(directory, 'link'))).to.include('must be a directory')
    chmodSync(directory, 0o710)
    expect(await errorOf(directory)).to.include('must be a directory')
  })

  it('replace what is there, and follow no link', async () => {
    const path = join(directory, 'x.vol')
    writeFileSync(join(directory, 'other'), 'other', { mode: 0o644 })
    symlinkSync(join(directory, 'other'), path)
    await writeSecret(path, 'secret')
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).to.deep.equal(['secret', 0o600])
    expect(readFileSync(join(directory, 'other'), 'utf8')).to.equal('other')
  })

  it('tell what a log has since it was looked at, and not all of very much', async () => {
    const path = join(directory, 'x.log')
    writeFileSync(path, 'before\n', { mode: 0o644 })
    const from = await prepareLog(path)
    expect(statSync(path).mode & 0o777).to.equal(0o600)
    writeFileSync(path, 'after\n', { flag: 'a' })
    expect(await readLog(path, from)).to.equal('after\n')
    writeFileSync(path, 'new\n')
    expect(await readLog(path, from)).to.equal('new\n')
    writeFileSync(path, 'x'.repeat(100_000))
    expect(await readLog(path, 0)).to.have.length(64 * 1024)
    expect(await readLog(join(directory, 'none'), 0)).to.equal('')
  })
})
