import { brickRoot } from '../../model/cluster.js'
import type { HostSurvey } from '../port/host.js'
import type { DataPlane } from './dataplane/index.js'
import { mountTable } from './exec/mounts.js'

/** A limit, so that the inventory stays far below the size of a value in etcd. */
const maxListed = 1000

/**
 * All mounts and volumes on this host, also those that no document claims. Without the volumes of data planes that are not
 * given or do not answer.
 */
export async function survey(mountRoot: string, dataPlanes: readonly Pick<DataPlane, 'survey'>[]): Promise<HostSurvey> {
  const found = await Promise.all(dataPlanes.map((plane) => plane.survey()))
  const { volumes, served = [] } = Object.assign({}, ...found) as Pick<HostSurvey, 'volumes' | 'served'>
  const mounts = (await mountTable())
    .filter(({ path }) => path.startsWith(`${mountRoot}/`) || path.startsWith(`${brickRoot}/`))
    .map(({ path, source }) => ({ path, source }))
  return { ...listed(mounts, volumes), ...(served.length > 0 ? { served: served.slice(0, maxListed) } : {}) }
}

/** At most 1,000 mounts and volumes, and which of the two lists was cut. */
export function listed(mounts: NonNullable<HostSurvey['mounts']>, volumes?: string[]): HostSurvey {
  const whole = { ...(volumes ? { volumes: volumes.toSorted() } : {}), mounts }
  const cut = (['volumes', 'mounts'] as const).filter((list) => (whole[list]?.length ?? 0) > maxListed)
  return {
    ...(whole.volumes ? { volumes: whole.volumes.slice(0, maxListed) } : {}),
    mounts: mounts.slice(0, maxListed),
    ...(cut.length > 0 ? { cut } : {}),
  }
}
