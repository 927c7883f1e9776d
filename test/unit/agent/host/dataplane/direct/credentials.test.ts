import { expect } from 'chai'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  isOutdated,
  requireValid,
  tlsFilesOf,
  writeCredential,
} from '../../../../../../src/agent/host/dataplane/direct/credentials.js'
import { filesOf, removeFiles } from '../../../../../../src/agent/host/dataplane/direct/files.js'
import {
  certificateNotYetValid,
  certificateRanOut,
} from '../../../../../../src/agent/host/dataplane/direct/messages.js'
import { clientCredential } from '../../../../../../src/scheduler/dataplane/direct/certificates.js'
import { aCertified } from '../../../../../support/certified.js'

const day = 86_400
const now = 1_700_000_000
const credential = (certifiedAt = now, session = 20) => clientCredential(aCertified(certifiedAt), 'holder', session)

describe('the certificate of a process', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'burstbuffer-credentials-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const files = () => filesOf('client', 'x', { run: directory, log: directory })

  it('is in one file with its key, which only root reads, and is gone with the process', async () => {
    const { authority } = credential()
    await writeCredential(files(), credential())
    const { certificate, key, authorities } = tlsFilesOf(files())
    const found = new X509Certificate(readFileSync(certificate))
    expect(found.checkPrivateKey(createPrivateKey(readFileSync(key)))).to.equal(true)
    expect(readFileSync(authorities, 'utf8')).to.equal(authority)
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).to.equal(0o600)
    await removeFiles(files())
    expect(readdirSync(directory)).to.deep.equal([])
  })

  it('is replaced when it is older, or cannot be read', async () => {
    expect(await isOutdated(files(), credential(), now)).to.equal(true)
    await writeCredential(files(), credential())
    expect(await isOutdated(files(), credential(), now)).to.equal(false)
    expect(await isOutdated(files(), credential(now + 30 * day), now)).to.equal(true)
    writeFileSync(files().credential, 'half a certif')
    expect(await isOutdated(files(), credential(), now)).to.equal(true)
  })

  it('is replaced by an older one when a clock that was ahead has made it, and stays once it is valid', async () => {
    await writeCredential(files(), credential(now + 30 * day))
    expect(await isOutdated(files(), credential(), now)).to.equal(true)
    expect(await isOutdated(files(), credential(), now + 29 * day)).to.equal(false)
    // Nothing else can be had.
    expect(await isOutdated(files(), credential(now + 30 * day), now)).to.equal(false)
  })

  it('stays when another session that mounts there has one of the same time', async () => {
    await writeCredential(files(), credential())
    expect(await isOutdated(files(), credential(now, 21), now)).to.equal(false)
  })

  it('is told by its times when nobody would believe it', () => {
    const whose = 'to mount volume 3'
    const errorAt = (at: number) => {
      try {
        requireValid(credential(), whose, at)
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    }
    expect([now - day, now, now + 60 * day].map(errorAt)).to.deep.equal([undefined, undefined, undefined])
    expect(errorAt(now + 60 * day + 1)).to.equal(certificateRanOut(whose, now + 60 * day))
    expect(errorAt(now - day - 1)).to.equal(certificateNotYetValid(whose, now - day))
  })
})
