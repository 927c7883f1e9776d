import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import { commitHash } from '../../../src/agent/host/dataplane/direct/brickDirectory.js'
import { brickVolfile } from '../../../src/agent/host/dataplane/direct/brickVolfile.js'
import { clientCommand } from '../../../src/agent/host/dataplane/direct/clientCommand.js'
import { clientVolfile } from '../../../src/agent/host/dataplane/direct/clientVolfile.js'
import type { Layout, MountedVolume } from '../../../src/agent/host/dataplane/direct/types.js'
import { triedGraphs, withUpcall } from '../graphs.js'
import { mountBricks } from './bricks.js'
import { brickCount, type LayoutName, type Plane, type PlaneOptions } from './plane.js'

const layoutsOf: Record<LayoutName, Layout> = {
  distribute: { kind: 'distribute' },
  disperse: { kind: 'disperse', bricks: brickCount, redundancy: 1 },
}

const address = '127.0.0.1'
let nextPort = 50_001

/** Bricks and clients of GlusterFS as agents start them, from the product's own volfiles. */
export async function startDirect(options: PlaneOptions): Promise<Plane> {
  const graph = triedGraphs[options.graph]!
  const login = { user: 'conformance', password: randomBytes(16).toString('hex') }
  const at = (name: string) => join(options.directory, name)
  const bricks = mountBricks(options).map((brick, index) => {
    const port = nextPort++
    const volumeId = randomUUID()
    const id = `0x${volumeId.replaceAll('-', '')}`
    execFileSync('setfattr', ['-n', 'trusted.glusterfs.volume-id', '-v', id, brick])
    execFileSync('setfattr', ['-n', commitHash.name, '-v', commitHash.value, brick])
    mkdirSync(join(brick, '.glusterfs'), { mode: 0o700 })
    const exports = [{ name: 'data', directory: brick, volumeId, logins: [login] }]
    const text = brickVolfile({ address, port, dispersed: options.layout === 'disperse', exports })
    writeFileSync(at(`brick${index}.vol`), graph.upcall ? withUpcall(text) : text, { mode: 0o600 })
    const files = ['-f', at(`brick${index}.vol`), '-p', at(`brick${index}.pid`), '-l', at(`brick${index}.log`)]
    execFileSync('glusterfsd', files, { timeout: 30_000 })
    return { host: address, port, export: 'data' }
  })
  const volume: MountedVolume = { bricks, layout: layoutsOf[options.layout], login }
  const mounts = [at('mount1'), at('mount2')] as const
  for (const [index, mountPoint] of mounts.entries()) {
    mkdirSync(mountPoint)
    const volfile = at(`client${index}.vol`)
    writeFileSync(volfile, clientVolfile(volume, graph.layers), { mode: 0o600 })
    const [program, ...args] = clientCommand({
      volfile,
      volume: 'conformance',
      mountPoint,
      pidFile: at(`client${index}.pid`),
      log: at(`client${index}.log`),
      graph,
      dispersed: options.layout === 'disperse',
    })
    const end = args.indexOf('--')
    execFileSync(program, [...args.slice(0, end), ...(graph.flags ?? []), ...args.slice(end)], { timeout: 30_000 })
    await untilMounted(mountPoint)
  }
  return { mounts }
}

export async function untilMounted(mountPoint: string): Promise<void> {
  const fuse = 0x65735546
  await until({ what: `${mountPoint} is mounted`, deadlineMs: 30_000 }, async () => {
    const { type, blocks } = await statfs(mountPoint)
    return type === fuse && blocks > 0
  })
}
