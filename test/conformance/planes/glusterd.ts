import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../../lab/common/until.js'
import { client } from '../../../src/agent/host/dataplane/glusterd/client.js'
import { runCommand } from '../../../src/agent/host/exec/run.js'
import { always } from '../../../src/scheduler/dataplane/glusterd/desiredVolumes.js'
import { mountBricks } from './bricks.js'
import { untilMounted } from './direct.js'
import { brickCount, type LayoutName, type Plane, type PlaneOptions } from './plane.js'

/** glusterd takes no address of loopback's own network. */
const address = '10.94.0.1'
const volume = 'conformance'
const layoutWords: Record<LayoutName, string[]> = {
  distribute: [],
  disperse: ['disperse', String(brickCount), 'redundancy', '1'],
}
/** `default`: as whoever mounts it by hand has it. */
export const glusterdGraphs = ['exact', 'cached', 'default']

/** A volume of a glusterd that is alone in these namespaces, mounted as agents mount it. */
export async function startGlusterd(options: PlaneOptions): Promise<Plane> {
  for (const own of ['/var/lib/glusterd', '/var/log/glusterfs', '/run']) {
    mkdirSync(own, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'glusterd', own])
  }
  execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo'])
  const bricks = mountBricks(options)
  // It is left to the end of these namespaces, and this program does not wait for it.
  spawn('glusterd', ['--no-daemon', '-p', join(options.directory, 'glusterd.pid')], { stdio: 'ignore' }).unref()
  const gluster = (...words: string[]) =>
    runCommand(['gluster', '--mode=script', ...words], { timeoutMs: 60_000, env: { PYTHON: '/bin/true' } })
  await until({ what: 'glusterd answers' }, async () => (await gluster('volume', 'list')).code === 0)
  const made = await gluster(
    ...['volume', 'create', volume, ...layoutWords[options.layout]],
    ...bricks.map((brick) => `${address}:${brick}`),
    'force',
  )
  if (made.code !== 0) throw new Error(`gluster volume create: ${made.stderr || made.stdout}`)
  const set = await gluster('volume', 'set', volume, ...Object.entries(always).flat())
  if (set.code !== 0) throw new Error(`gluster volume set: ${set.stderr || set.stdout}`)
  await gluster('volume', 'start', volume)
  const mounts = [join(options.directory, 'mount1'), join(options.directory, 'mount2')] as const
  const { mount } = client(runCommand)
  for (const mountPoint of mounts) {
    mkdirSync(mountPoint)
    if (options.graph === 'default') execFileSync('mount', ['-t', 'glusterfs', `${address}:/${volume}`, mountPoint])
    else await mount({ servers: [address], volume }, mountPoint, { clientCache: options.graph === 'cached' })
    await untilMounted(mountPoint)
  }
  return { mounts }
}
