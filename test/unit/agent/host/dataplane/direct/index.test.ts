import { expect } from 'chai'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesOf } from '../../../../../../src/agent/host/dataplane/direct/files.js'
import { direct } from '../../../../../../src/agent/host/dataplane/direct/index.js'
import { systemClock } from '../../../../../../src/daemon/clock.js'
import type { DirectVolume } from '../../../../../../src/model/documents/volume.js'

const uuid = '9d0f9ab2-3a58-4f0e-9a0a-3d2f0a5a7c11'
const volume: DirectVolume = {
  v: 1,
  fence: 1,
  kind: 'volume',
  type: 'direct',
  buffer: { id: 10, name: 'data' },
  volume: 'data',
  directory: 'brick',
  bricks: [{ device: 'nvme1n1', uuid, port: 29_000 }],
  exports: [],
  clients: [],
  sessionsLetIn: [],
  wanted: 'absent',
}

describe('the data plane direct on a host', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'burstbuffer-direct-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const admitted: number[][] = []
  const plane = (fenced: number[] = [], isReady = false) =>
    direct({
      name: 'gluster1',
      run: () => Promise.reject(new Error('no program is to be run')),
      warn: () => {},
      direct: {
        boot: undefined,
        clock: systemClock,
        fence: {
          isAdmitted: () => Promise.resolve(true),
          admit: (_, { ports }) => {
            admitted.push([...ports])
            return Promise.resolve()
          },
          admitted: () => Promise.resolve(new Map(fenced.length > 0 ? [['data', { ports: fenced }]] : [])),
          isLeft: () => Promise.resolve(false),
          release: () => Promise.resolve(),
        },
        directories: { run: directory, log: directory },
        isReady: () => Promise.resolve(isReady),
        onBrickEnd: () => {},
        onClientEnd: () => {},
        onProblems: () => {},
      },
    })

  it('keeps a brick’s port fenced when another program takes it, and fences none that root’s program has had before', async () => {
    const server = createServer().listen(0)
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const wanted = { ...volume, bricks: [{ device: 'nvme1n1', uuid, port }], wanted: 'started' as const }
    await plane([port]).effects.admitClients({ volume: wanted })
    await plane().effects.admitClients({ volume: wanted })
    server.close()
    // A port of a program that is not root's is fenced in any case.
    expect(admitted).to.deep.equal([[port], process.getuid?.() === 0 ? [] : [port]])
  })

  it('looks at a volume also when the size of a brick cannot be read', async () => {
    // There is no such directory.
    const facts = await plane([], true).observe.volume(volume)
    expect(facts.unavailable).to.equal(undefined)
    expect(facts.bricks).to.have.lengthOf(1)
    expect(facts.bricks[0]).to.include({ isReady: true }).and.to.not.have.property('totalBytes')
  })

  it('removes the key of a brick whose process died by itself, also where the fence is off', async () => {
    const { observe, effects } = plane()
    expect(await observe.volume(volume)).to.deep.include({ isLeft: false })
    const { credential, log } = filesOf('brick', uuid, { run: directory, log: directory })
    for (const path of [credential, log]) writeFileSync(path, 'x')
    expect(await observe.volume(volume)).to.deep.include({ isLeft: true })
    await effects.closePorts({ volume })
    expect(readdirSync(directory)).to.deep.equal([])
    expect(await observe.volume(volume)).to.deep.include({ isLeft: false })
  })
})
