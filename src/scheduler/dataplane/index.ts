import type { DataPlaneName } from '../../model/documents/direct.js'
import type { DataPlane } from './common/dataPlane.js'
import { direct, unclaimed } from './direct/index.js'
import { byHand, glusterd } from './glusterd/index.js'

export type { ClientSettings, DataPlane, MountClient } from './common/dataPlane.js'
/** Of the plane whose volumes hosts serve by themselves. */
export { unclaimed as servedVolumes }
/** Of the plane whose volumes hosts list in their inventories. */
export { byHand as listedVolumes }

const planes: Record<DataPlaneName, DataPlane> = { glusterd, direct }

/** The one that a buffer was made with, or that new buffers of a pool are. */
export function dataPlaneOf({ dataPlane = 'glusterd' }: { dataPlane?: DataPlaneName | undefined }): DataPlane {
  return planes[dataPlane]
}
