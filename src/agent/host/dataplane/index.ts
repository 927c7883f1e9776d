import type { DataPlane, DataPlaneOptions } from './dataPlane.js'
import { glusterd } from './glusterd/index.js'

export type { Client, DataPlane } from './dataPlane.js'
export { type DataPlaneService, openService as openDataPlaneService } from './glusterd/service.js'

/** The one that there is. */
export const dataPlane: (options: DataPlaneOptions) => DataPlane = glusterd
