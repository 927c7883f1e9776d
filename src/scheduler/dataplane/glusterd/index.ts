import { serversOf } from '../../../model/buffers.js'
import type { DataPlane } from '../dataPlane.js'
import { letsIn, whyNotLetIn } from './authAllow.js'
import { mountCommand } from './mountCommand.js'
import { desiredPeers } from './peers.js'
import { freeVolumeName } from './volumeNames.js'
import { volumeSpec } from './volumeOptions.js'

/** GlusterFS volumes that glusterd makes and serves, one command at a time on one of the buffer's hosts. */
export const glusterd: DataPlane = {
  freeVolumeName,
  volumeSpec,
  whyStartOver: ({ needsFreshDirectories }) =>
    needsFreshDirectories ? 'a create left its mark where it must not be: new brick directories' : undefined,
  whyNotLetIn,
  letsIn,
  mountSource: (buffer) => ({ volume: buffer.volume, servers: serversOf(buffer) }),
  mountCommand,
  desiredPeers,
  byHand: {
    listVolumes: 'gluster volume list',
    nameOf: (volume) => `gluster volume ${volume}`,
    notFound: (volume) => `gluster knows no volume ${volume}`,
    remove: (volume, host) =>
      `look at it on ${host}, then gluster volume stop ${volume}, gluster volume delete ${volume}`,
  },
}
