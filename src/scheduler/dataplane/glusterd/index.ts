import { serversOf } from '../../../model/buffers.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import type { DataPlane } from '../common/dataPlane.js'
import { freeVolumeName } from '../common/volumeNames.js'
import { letsIn, whyNotLetIn } from './authAllow.js'
import { directoriesAreUsed } from './messages.js'
import { mountCommand } from './mountCommand.js'
import { desiredPeers, problemsOfPeers } from './peers.js'
import { desiredVolumes } from './desiredVolumes.js'

export { byHand } from './messages.js'

/** GlusterFS volumes that glusterd makes and serves, one command at a time on one of the buffer's hosts. */
export const glusterd: DataPlane = {
  freeVolumeName,
  ofNewBuffer: () => ({}),
  served: (_cluster, bricks) => ({ bricks }),
  mended: () => undefined,
  renewed: () => undefined,
  servesBricksByThemselves: false,
  startsOverToReplace: true,
  desiredVolumes,
  whyStartOver: ({ needsFreshDirectories }) => (needsFreshDirectories ? directoriesAreUsed() : undefined),
  whyNotLetIn,
  letsIn,
  prepare: () => [],
  mountSource: (_cluster, buffer) => sourceOf(buffer),
  transferSource: sourceOf,
  swapSource: () => ({}),
  mountCommand,
  desiredPeers,
  problemsOfPeers,
}

function sourceOf(buffer: BufferDocument) {
  return { volume: buffer.volume, servers: serversOf(buffer) }
}
