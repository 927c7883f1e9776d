import { noServerAnswers } from './messages.js'
import { connect } from 'node:net'
import type { Client, MountSource, MountUse } from '../dataPlane.js'
import { type Run, runOk } from '../../exec/run.js'

const mountMs = 30_000
const probeMs = 3_000
const glusterdPort = 24007

/**
 * The client shows its graph, with the brick's password where it has one, and what everybody does just now, in `.meta` of
 * every mount to everybody who may enter it. A name with a slash is one that nobody can look up.
 */
const closedMeta = 'xlator-option=meta-autoload.meta-dir-name=no/such'

/** Mounts by `mount -t glusterfs`: `liveFirst` and `mount` throw as the functions below say. */
export function client(run: Run): Client {
  return {
    liveFirst,
    mountPointMode: '755',
    unmounted: () => Promise.resolve(),
    hasOldCertificate: () => Promise.resolve(false),
    renewCertificate: () => Promise.resolve(),
    isLeft: () => Promise.resolve(false),
    mount: (source, path, use) => mountGluster(source, path, optionsOf(use), run),
    // It comes with GlusterFS's client.
    fusermounts: ['fusermount-glusterfs'],
  }
}

/**
 * Mounts the directory of the volume from the first server that answers mount, at a path that is there. `more`: further mount
 * options. Whether it is mounted then is for the caller to see: mount may exit with 0 although it is not. Throws
 * CommandError, also after 30 s.
 */
export async function mountGluster(
  { servers, volume, directory = '' }: MountSource,
  path: string,
  more: readonly string[],
  run: Run,
): Promise<void> {
  const [server, ...backups] = servers
  const backup = backups.length > 0 ? [`backup-volfile-servers=${backups.join(':')}`] : []
  const options = ['nosuid', 'nodev', closedMeta, ...backup, ...more].join(',')
  const argv = ['mount', '-t', 'glusterfs', '-o', options, `${server!}:/${volume}${directory}`, path] as const
  await runOk(run, argv, { timeoutMs: mountMs })
}

/**
 * What a job's client_cache does. Measured with 10.3: read again, 300 MB come from the kernel in 0.06 s by default, and in 0.7 s
 * from the bricks without a cache. Neither makes two nodes coherent: a file that another node has just overwritten in
 * place can show its old content for about a second.
 */
function optionsOf({ clientCache, acl }: MountUse): string[] {
  const caching = clientCache
    ? ['fopen-keep-cache', 'attribute-timeout=60', 'entry-timeout=60']
    : ['direct-io-mode=enable', 'attribute-timeout=0', 'entry-timeout=0', 'negative-timeout=0']
  return [...(acl ? ['acl'] : []), ...(clientCache === undefined ? [] : caching)]
}

/**
 * The same servers, those first that take a connection to glusterd's port within three seconds: one that hangs makes
 * mount wait beyond any backup server (measured: over 90 s). Throws when none answers.
 */
async function liveFirst(servers: readonly string[]): Promise<string[]> {
  const live = await Promise.all(servers.map((server) => isReachable(server)))
  if (!live.includes(true)) throw new Error(noServerAnswers(servers))
  return [...servers.filter((_, index) => live[index]), ...servers.filter((_, index) => !live[index])]
}

function isReachable(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: glusterdPort })
    const end = (reachable: boolean) => {
      socket.destroy()
      resolve(reachable)
    }
    socket.setTimeout(probeMs, () => end(false))
    socket.on('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}
