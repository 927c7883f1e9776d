import type { DesiredVolume } from '../../../model/documents/volume.js'
import type { DataPlaneName } from '../../../model/documents/direct.js'
import type { Effects, Observe } from '../../port/host.js'
import type { BrickServer } from '../exec/processes.js'
import type { DataPlane, DataPlaneOptions } from './dataPlane.js'
import { direct, type Direct, type DirectParts } from './direct/index.js'
import { glusterd, type Glusterd } from './glusterd/index.js'

export type { Client, DataPlane } from './dataPlane.js'
export type { DirectParts } from './direct/index.js'
export { Fence as BrickFence } from './direct/fence.js'
export { type DataPlaneService, openService as openDataPlaneService } from './glusterd/service.js'

/** All that a host can serve and mount with, side by side. */
export interface DataPlanes {
  /** The one that a document names; glusterd when it names none. */
  of(name: DataPlaneName | undefined): DataPlane
  all: readonly DataPlane[]
  /** What serves bricks, whatever the plane. */
  brickServer: BrickServer
  observe: Pick<Observe, 'volume' | 'peer'>
  effects: Glusterd['effects'] & Direct['effects']
  /** Keeps the logs of processes short from now on, until it is closed. */
  tendLogs(): void
  /** Watches nothing any more; what serves bricks and mounts goes on. */
  close(): void
}

/** Both data planes of this host. Nothing is run or read before one of them is asked. */
export function dataPlanesOn(options: DataPlaneOptions & { direct: DirectParts }): DataPlanes {
  // What a container of glusterd's says of its version counts more.
  const planes = { direct: direct(options), glusterd: glusterd(options) }
  return {
    of: (name = 'glusterd') => planes[name],
    all: Object.values(planes),
    tendLogs: () => planes.direct.tendLogs(),
    close: () => planes.direct.close(),
    brickServer: {
      program: planes.glusterd.brickServer.program,
      brickOf: (words) => planes.direct.brickServer.brickOf(words) ?? planes.glusterd.brickServer.brickOf(words),
    },
    observe: {
      volume: (volume: DesiredVolume) =>
        volume.type === 'direct' ? planes.direct.observe.volume(volume) : planes.glusterd.observe.volume(volume),
      peer: (peer) => planes.glusterd.observe.peer(peer),
    },
    effects: { ...planes.glusterd.effects, ...planes.direct.effects } satisfies Partial<Effects>,
  }
}
