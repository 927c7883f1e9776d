import { expect } from 'chai'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as messages from '../../../../lab/containers/messages.js'
import { chooseBackend } from '../../../../lab/containers/backend.js'
import { needsRoot } from '../../../support/loopDevices.js'

describe('the engine that a cluster in containers runs on', () => {
  const asked = process.env['DOCKER_HOST']
  let folder: string
  let engine: Server
  let answer = 200

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bb-backend-'))
    chmodSync(folder, 0o755)
    const socket = join(folder, 'docker.sock')
    engine = createServer((_, response) =>
      response.writeHead(answer).end(answer === 200 ? 'OK' : '{"message":"broken"}'),
    )
    await new Promise<void>((resolve) => engine.listen(socket, resolve))
    process.env['DOCKER_HOST'] = `unix://${socket}`
  })

  afterEach(() => {
    answer = 200
    if (asked === undefined) delete process.env['DOCKER_HOST']
    else process.env['DOCKER_HOST'] = asked
    engine.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const refusal = () =>
    chooseBackend(folder).then(
      () => undefined,
      (error: Error) => error.message,
    )

  it('is the one that DOCKER_HOST names', async () => {
    const { address, isShared } = await chooseBackend(folder)
    expect({ address, isShared }).to.deep.equal({ address: process.env['DOCKER_HOST'], isShared: true })
  })

  it('is no other where the named one does not answer', async () => {
    process.env['DOCKER_HOST'] = `unix://${folder}/absent.sock`
    expect(await refusal()).to.equal(messages.engineUnreachable(`unix://${folder}/absent.sock`, 'ENOENT'))
  })

  it('is no other where the named one is broken', async () => {
    answer = 500
    const unreachable = messages.engineUnreachable(`unix://${folder}/docker.sock`, '')
    expect(await refusal())
      .to.contain(unreachable)
      .and.contain('broken')
  })

  it('is refused with what to do where its socket may not be opened', async function () {
    needsRoot(this)
    chmodSync(join(folder, 'docker.sock'), 0o600)
    process.seteuid!(65534)
    const said = await refusal().finally(() => process.seteuid!(0))
    expect(said).to.equal(messages.permissionDenied(`unix://${folder}/docker.sock`))
  })
})
