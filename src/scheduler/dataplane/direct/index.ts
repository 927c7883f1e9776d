import { serversOf } from '../../../model/buffers.js'
import { type Cluster, hostKey, mountId } from '../../../model/cluster.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { DirectSource } from '../../../model/documents/direct.js'
import type { MountView } from '../../../model/documents/mount.js'
import { hostsOf } from '../../../model/volumes.js'
import type { DataPlane, MountClient } from '../common/dataPlane.js'
import { freeVolumeName } from '../common/volumeNames.js'
import { clientCredential, isCertified, storageHolder } from './certificates.js'
import { certificatesOf, desiredVolumes, letsIn } from './desiredVolumes.js'
import { exportOfDirectory, exportOfView, holderOf, loginOf } from './exports.js'
import { countMade } from './onceFor.js'
import { mended, served } from './ports.js'
import { minBytesOf } from './sizes.js'
import { newSecret, renewed } from './secrets.js'

export { unclaimed } from './messages.js'

/** GlusterFS's processes that each agent starts for its own bricks and its own mounts: no host waits for another. */
export const direct: DataPlane = {
  freeVolumeName,
  ofNewBuffer: (newUuid, certifiedAt) => ({
    dataPlane: 'direct',
    secret: newSecret(newUuid),
    ...(certifiedAt === undefined ? {} : { certifiedAt }),
  }),
  served,
  mended,
  renewed,
  servesBricksByThemselves: true,
  startsOverToReplace: false,
  desiredVolumes,
  whyStartOver: () => undefined,
  whyNotLetIn: () => undefined,
  letsIn,
  prepare: function* (cluster, buffer, clients) {
    let before = countMade(buffer)
    const isNew = () => before < (before = countMade(buffer))
    for (const host of hostsOf(buffer)) {
      certificatesOf(cluster, buffer, host)
      if (isNew()) yield
    }
    for (const { view, ...client } of clients) {
      accessOf(cluster, buffer, view, client)
      if (isNew()) yield
    }
  },
  mountSource: (cluster, buffer, view, client) => {
    const minBytes = minBytesOf(cluster, buffer)
    const size = minBytes === undefined ? {} : { minBytes }
    const source = sourceOf(buffer, exportOfView(view, client.host), accessOf(cluster, buffer, view, client))
    return { ...volumeOf(buffer), direct: { ...source, ...size } }
  },
  transferSource: (buffer, { directory, nodes, template }, session) => {
    const directories = nodes ? nodes.map((node) => `${directory}/${node}`) : [directory]
    return {
      ...volumeOf(buffer),
      direct: [...directories, ...(template === undefined ? [] : [template])].map((path) => {
        const name = exportOfDirectory(path)
        return {
          ...sourceOf(buffer, name, isCertified(buffer) ? {} : { login: loginOf(buffer, name) }),
          directory: path,
        }
      }),
      ...(isCertified(buffer) ? { tls: clientCredential(buffer, storageHolder, session) } : {}),
    }
  },
  swapSource: (host) => ({ export: exportOfView('swap', host) }),
  // Nobody but the sessions' hosts has a login.
  mountCommand: () => undefined,
  desiredPeers: () => [],
  problemsOfPeers: () => [],
}

function volumeOf(buffer: BufferDocument) {
  return { volume: buffer.volume, servers: serversOf(buffer) }
}

type Access = Pick<DirectSource, 'login' | 'tls'>

function accessOf(
  cluster: Cluster,
  buffer: BufferDocument,
  view: MountView,
  { host, session }: Omit<MountClient, 'view'>,
): Access {
  const name = exportOfView(view, host)
  if (!isCertified(buffer)) return { login: loginOf(buffer, name) }
  const told = cluster.desired.mount.get(hostKey(host, mountId(session, buffer.id, view)))?.direct?.tls
  return { tls: clientCredential(buffer, holderOf(buffer, name), session, told) }
}

function sourceOf(buffer: BufferDocument, name: string, access: Access): DirectSource {
  return { export: name, ...access, bricks: buffer.bricks.flatMap(({ at }) => (at ? [at] : [])) }
}
