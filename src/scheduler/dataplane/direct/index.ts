import { serversOf } from '../../../model/buffers.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { DirectSource } from '../../../model/documents/direct.js'
import type { DataPlane } from '../common/dataPlane.js'
import { freeVolumeName } from '../common/volumeNames.js'
import { clientCredential, isCertified, storageHolder } from './certificates.js'
import { desiredVolumes, letsIn } from './desiredVolumes.js'
import { exportOfDirectory, exportOfView, holderOf, loginOf } from './exports.js'
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
  mountSource: (cluster, buffer, view, { host, session }) => {
    const name = exportOfView(view, host)
    const tls = isCertified(buffer) ? { tls: clientCredential(buffer, holderOf(buffer, name), session) } : {}
    const minBytes = minBytesOf(cluster, buffer)
    const size = minBytes === undefined ? {} : { minBytes }
    return { ...volumeOf(buffer), direct: { ...sourceOf(buffer, name), ...tls, ...size } }
  },
  transferSource: (buffer, { directory, nodes, template }, session) => {
    const directories = nodes ? nodes.map((node) => `${directory}/${node}`) : [directory]
    return {
      ...volumeOf(buffer),
      direct: [...directories, ...(template === undefined ? [] : [template])].map((path) => ({
        ...sourceOf(buffer, exportOfDirectory(path)),
        directory: path,
      })),
      ...(isCertified(buffer) ? { tls: clientCredential(buffer, storageHolder, session) } : {}),
    }
  },
  swapSource: (host) => ({ export: exportOfView('swap', host) }),
  // Nobody but the sessions' hosts has a login.
  mountCommand: () => undefined,
  desiredPeers: () => [],
}

function volumeOf(buffer: BufferDocument) {
  return { volume: buffer.volume, servers: serversOf(buffer) }
}

function sourceOf(buffer: BufferDocument, name: string): DirectSource {
  const login = isCertified(buffer) ? {} : { login: loginOf(buffer, name) }
  return { export: name, ...login, bricks: buffer.bricks.flatMap(({ at }) => (at ? [at] : [])) }
}
