import type { DataPlane } from './dataPlane.js'
import { glusterd } from './glusterd/index.js'

export type { ClientSettings, DataPlane } from './dataPlane.js'

/** All that there are: what holds for storage hosts as such is asked of each. */
export const dataPlanes: readonly DataPlane[] = [glusterd]

/** The one whose volumes hosts list in their inventories. */
export const listedPlane: DataPlane = glusterd

/** The one that a buffer is made with, or the buffers of a pool. Every pool has the same. */
export const dataPlaneOf: (of: { pool: string }) => DataPlane = () => glusterd
