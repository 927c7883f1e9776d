import { serversOf } from '../../../model/buffers.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { ByHand, DataPlane } from '../common/dataPlane.js'
import { freeVolumeName } from '../common/volumeNames.js'
import { letsIn, whyNotLetIn } from './authAllow.js'
import { mountCommand } from './mountCommand.js'
import { desiredPeers } from './peers.js'
import { desiredVolumes } from './desiredVolumes.js'

/** GlusterFS volumes that glusterd makes and serves, one command at a time on one of the buffer's hosts. */
export const glusterd: DataPlane = {
  freeVolumeName,
  ofNewBuffer: () => ({}),
  served: (_cluster, bricks) => ({ bricks }),
  mended: () => undefined,
  renewed: () => undefined,
  startsOverToReplace: true,
  desiredVolumes,
  whyStartOver: ({ needsFreshDirectories }) =>
    needsFreshDirectories
      ? 'an earlier attempt to create the volume has marked the brick directories: new brick directories'
      : undefined,
  whyNotLetIn,
  letsIn,
  mountSource: sourceOf,
  transferSource: sourceOf,
  swapSource: () => ({}),
  mountCommand,
  desiredPeers,
}

function sourceOf(buffer: BufferDocument) {
  return { volume: buffer.volume, servers: serversOf(buffer) }
}

export const byHand: ByHand = {
  listVolumes: 'gluster volume list',
  nameOf: (volume) => `gluster volume ${volume}`,
  notFound: (volume) => `gluster knows no volume ${volume}`,
  remove: (volume, host) =>
    `look at it on ${host}, then gluster volume stop ${volume}, gluster volume delete ${volume}`,
}
