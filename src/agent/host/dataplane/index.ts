import type { DesiredVolume } from '../../../model/documents/volume.js'
import type { DataPlaneName } from '../../../model/documents/direct.js'
import type { Effects, Observe } from '../../port/host.js'
import type { BrickServer } from '../exec/processes.js'
import type { DataPlane, DataPlaneOptions } from './dataPlane.js'
import { direct, type Direct } from './direct/index.js'
import { glusterd, type Glusterd } from './glusterd/index.js'

export type { Client, DataPlane } from './dataPlane.js'
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
}

export function dataPlanesOn(options: DataPlaneOptions): DataPlanes {
  const planes = { glusterd: glusterd(options), direct: direct() }
  return {
    of: (name = 'glusterd') => planes[name],
    all: Object.values(planes),
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
