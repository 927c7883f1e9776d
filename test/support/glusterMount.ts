import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../lab/common/until.js'
import type { LoopDevices } from './loopDevices.js'

/**
 * A real GlusterFS client mounted at `mnt` below the devices' directory, over XFS on a loop device; the client serves the brick
 * itself, so that no glusterd is needed. `id`: as in `/3`, the volume and directory that the mount table shall show.
 */
export async function mountGlusterOver(loops: LoopDevices, id: string, sizeBytes: number, at = 'mnt'): Promise<string> {
  loops.add('disk', sizeBytes)
  const pathOf = (name: string) => join(loops.directory, name)
  mkdirSync(pathOf('xfs'))
  mkdirSync(pathOf(at), { recursive: true })
  execFileSync('mkfs.xfs', ['-q', loops.nodeOf('disk')])
  execFileSync('mount', [loops.nodeOf('disk'), pathOf('xfs')])
  mkdirSync(join(pathOf('xfs'), 'brick'))
  const brick = ['volume brick', '  type storage/posix', `  option directory ${pathOf('xfs')}/brick`, 'end-volume', '']
  writeFileSync(pathOf('volume'), brick.join('\n'))
  execFileSync('glusterfs', ['-f', pathOf('volume'), `--volfile-id=${id}`, '-l', pathOf('log'), pathOf(at)], {
    timeout: 30_000,
  })
  await until({ what: 'the client has mounted it' }, () =>
    Promise.resolve(readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${pathOf(at)} `) || undefined),
  )
  loops.willMount(pathOf(at))
  loops.willMount(pathOf('xfs'))
  return pathOf(at)
}
