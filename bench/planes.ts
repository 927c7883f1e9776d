import type { Lab } from '../lab/namespaces/cluster.js'
import { type DataPlaneName, dataPlaneNames } from '../src/model/documents/direct.js'
import { create, destroy, must, untilAllFree } from './cluster.js'

export const planes = dataPlaneNames

const config = '/etc/burstbuffer/scheduler.yaml'

/**
 * From now on new buffers are of that data plane. The scheduler is started again for that, and a buffer is made that nobody measures:
 * a program that was just started is slower.
 */
export async function usePlane(lab: Lab, plane: DataPlaneName): Promise<void> {
  await must(lab, 'head', ['sed', '-i', `s/dataPlane: .*/dataPlane: ${plane}/`, config])
  await lab.stopService('head', 'scheduler')
  await lab.startService('head', 'scheduler')
  await untilAllFree(lab)
  await create(lab, 'first', 3)
  await destroy(lab, 'first')
}
