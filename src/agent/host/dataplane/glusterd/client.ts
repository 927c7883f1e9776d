import { noServerAnswers } from './messages.js'
import { connect } from 'node:net'
import { graphOf } from '../common/graphs.js'
import { clientCommand } from './clientCommand.js'
import type { Client, MountSource, MountUse } from '../dataPlane.js'
import { type Run, runOk } from '../../exec/run.js'

const mountMs = 30_000
const probeMs = 3_000
const glusterdPort = 24007

/** Mounts by a client of its own: `liveFirst` and `mount` throw as the functions below say. */
export function client(run: Run): Client {
  return {
    liveFirst,
    mountPointMode: '755',
    unmounted: () => Promise.resolve(),
    hasOldCertificate: () => Promise.resolve(false),
    renewCertificate: () => Promise.resolve(),
    follow: () => Promise.resolve(),
    isLeft: () => Promise.resolve(false),
    mount: (source, path, use) => mountGluster(source, path, use, run),
    // It comes with GlusterFS's client.
    fusermounts: ['fusermount-glusterfs'],
  }
}

/**
 * Mounts the directory of the volume from the first server that answers the client, at a path that is there. Whether it is mounted
 * then is for the caller to see: the client may exit with 0 although it is not. Throws CommandError, also after 30 s, and for
 * a mount that does not answer, which is taken off.
 */
export async function mountGluster(
  source: MountSource,
  path: string,
  { clientCache, acl }: MountUse,
  run: Run,
): Promise<void> {
  await runOk(run, clientCommand(source, path, { graph: graphOf(clientCache), acl }), { timeoutMs: mountMs })
  await runOk(run, ['stat', '--', path], { timeoutMs: mountMs }).catch(async (error: unknown) => {
    // What went wrong first is what is told.
    await run(['umount', '--', path], { timeoutMs: mountMs }).catch(() => undefined)
    throw error
  })
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
