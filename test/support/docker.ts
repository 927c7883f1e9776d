import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { LocalEngine } from '../../lab/containers/dockerd.js'
import { baseImage, glusterImage } from '../../lab/containers/image.js'
import { brickRoot } from '../../src/model/cluster.js'

/** Images are kept here between runs; making them takes minutes. */
const folder = resolve(import.meta.dirname, '../../.lab/engine')

export interface EngineHere {
  engine: LocalEngine
  /** With GlusterFS, and without. */
  images: { gluster: string; bare: string }
}

/** A real engine for a suite, started before it and ended after it; the suite is skipped, and counted so, where none can be. */
export function useEngine(): EngineHere {
  const here = { images: { gluster: '', bare: baseImage } } as EngineHere
  before(async function () {
    this.timeout(900_000)
    const impossible = LocalEngine.impossible()
    if (impossible !== undefined) {
      console.log(`    skipped: ${impossible}`)
      this.skip()
    }
    const engine = new LocalEngine(folder)
    await engine.start()
    here.engine = engine
    await removeContainers(here.engine)
    here.images.gluster = await glusterImage({ docker: here.engine.docker, say: (line) => console.log(`    ${line}`) })
  })
  after(async function () {
    this.timeout(60_000)
    if (!here.engine) return
    await removeContainers(here.engine)
    await here.engine.close()
  })
  return here
}

/** The engine is ours alone: whatever a run that died has left ends. What another mount namespace still holds cannot go yet. */
async function removeContainers({ docker }: LocalEngine): Promise<void> {
  for (const { Id } of await docker.listContainers({ all: true })) {
    await docker
      .getContainer(Id)
      .remove({ force: true })
      .catch(() => {})
  }
}

/**
 * Mounts of the host reach a container only where the file system that they are mounted on is shared, as systemd makes it;
 * where it is not, it is so for the time of the suite. Bricks' root exists afterwards.
 */
export function sharedRoot(): void {
  let wasPrivate = false
  before(() => {
    mkdirSync(brickRoot, { recursive: true })
    wasPrivate = !execFileSync('findmnt', ['--noheadings', '--output', 'PROPAGATION', '/'], {
      encoding: 'utf8',
    }).includes('shared')
    if (wasPrivate) execFileSync('mount', ['--make-shared', '/'])
  })
  after(() => {
    if (wasPrivate) execFileSync('mount', ['--make-private', '/'])
  })
}
