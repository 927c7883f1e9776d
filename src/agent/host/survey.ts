import { brickRoot } from '../../model/cluster.js'
import type { HostSurvey } from '../port/host.js'
import type { DataPlane } from './dataplane/index.js'
import { mountTable } from './exec/mounts.js'

/** The inventory stays far below what etcd should hold in one value. */
const maxListed = 1000

/** What is on this host whoever asked for it, so that what nobody claims is found. A data plane that is not asked, or does not answer, is left out. */
export async function survey(mountRoot: string, dataPlane?: Pick<DataPlane, 'volumeNames'>): Promise<HostSurvey> {
  const volumes = await dataPlane?.volumeNames()
  const mounts = (await mountTable())
    .filter(({ path }) => path.startsWith(`${mountRoot}/`) || path.startsWith(`${brickRoot}/`))
    .map(({ path, source }) => ({ path, source }))
  return listed(mounts, volumes)
}

/** As much of it as an inventory may hold (1,000 of each), and what had to be cut. */
export function listed(mounts: NonNullable<HostSurvey['mounts']>, volumes?: string[]): HostSurvey {
  const whole = { ...(volumes ? { volumes: volumes.toSorted() } : {}), mounts }
  const cut = (['volumes', 'mounts'] as const).filter((list) => (whole[list]?.length ?? 0) > maxListed)
  return {
    ...(whole.volumes ? { volumes: whole.volumes.slice(0, maxListed) } : {}),
    mounts: mounts.slice(0, maxListed),
    ...(cut.length > 0 ? { cut } : {}),
  }
}
