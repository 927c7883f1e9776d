import { createHmac } from 'node:crypto'
import { isByDirectory, volumeDirectories, volumeRoot } from '../../../model/access.js'
import { sessionsUsing } from '../../../model/buffers.js'
import type { Cluster } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { BrickExport, Login } from '../../../model/documents/direct.js'
import type { MountView } from '../../../model/documents/mount.js'
import { transfersOf } from '../../../model/transfers.js'
import { isCertified } from './certificates.js'
import { onceFor } from './onceFor.js'

/*
 * What of a buffer can be mounted: each of these is an export of every brick, with a login of its own, so that what opens one
 * opens no other. A node gets the logins of what it mounts, a storage host those of what it copies to or from.
 *
 *   striped     the buffer's root, or its directory /striped where nodes have namespaces of their own
 *   template    what is staged in for private access
 *   private-H   the namespace of node H
 *   swap-H      the place of node H's swap file
 */
const striped = 'striped'

export function exportOfView(view: MountView, host: string): string {
  return view === 'striped' ? striped : `${view}-${host}`
}

/** The export that a directory of the buffer's is the root of, as `viewDirectory` and its kin name them. */
export function exportOfDirectory(directory: string): string {
  if (directory === '' || directory === '/') return striped
  return directory.slice(1).replace('/', '-')
}

/**
 * All that hosts serve of it now. Those of a job's nodes stay until the buffer goes, for they are staged out of after the job;
 * nobody has the buffer mounted when they come, for its processes are started anew then.
 */
export function exportsOf(cluster: Cluster, buffer: BufferDocument): BrickExport[] {
  if (!isByDirectory(buffer))
    return [{ name: striped, directory: '/', ...volumeRoot(buffer), ...openedBy(buffer, striped) }]
  const sessions = sessionsUsing(cluster, buffer)
  const hosts = sessions.flatMap(({ computeHosts }) => computeHosts)
  const hasTemplate = sessions.some((session) => transfersOf(session, 'fill').length > 0)
  return volumeDirectories(buffer, { hosts, hasTemplate })
    .filter(({ path }) => path !== '/private' && path !== '/swap')
    .map(({ path, ...owned }) => {
      const name = exportOfDirectory(path)
      return { name, directory: path, ...owned, ...openedBy(buffer, name) }
    })
}

function openedBy(buffer: BufferDocument, name: string): Pick<BrickExport, 'login' | 'holder'> {
  return isCertified(buffer) ? { holder: holderOf(buffer, name) } : { login: loginOf(buffer, name) }
}

/** With it the names of certificates begin that open the export. */
export function holderOf(buffer: Pick<BufferDocument, 'secret'>, name: string): string {
  return loginOf(buffer, name).user
}

/** Made from the buffer's secret, so that no login is kept in a document of its own, and none tells of another. */
export function loginOf(buffer: Pick<BufferDocument, 'secret'>, name: string): Login {
  return onceFor(buffer, `login ${name}`, () => newLogin(buffer, name))
}

function newLogin({ secret }: Pick<BufferDocument, 'secret'>, name: string): Login {
  if (secret === undefined) throw new TypeError('a buffer of the data plane "direct" has no secret')
  // guard: login-of-export
  const made = (what: string) => createHmac('sha256', secret).update(`${what} ${name}`).digest('hex')
  return { user: made('user').slice(0, 32), password: made('password') }
}
