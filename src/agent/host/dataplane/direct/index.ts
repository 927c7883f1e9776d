import type { DirectVolume } from '../../../../model/documents/volume.js'
import { type DirectVolumeFacts, type Effects, Refusal } from '../../../port/host.js'
import type { DataPlane } from '../dataPlane.js'

export interface Direct extends DataPlane {
  observe: { volume(volume: DirectVolume): Promise<DirectVolumeFacts> }
  effects: Pick<Effects, 'makeExports' | 'admitClients' | 'startBrick' | 'stopBrick' | 'closePorts'>
}

/** GlusterFS's processes, started by this agent: no program of this release asks for them yet. */
export function direct(): Direct {
  const refuse = () => Promise.reject(new Refusal('this release does not support the data plane "direct"'))
  return {
    versions: () => Promise.resolve({}),
    volumeNames: () => Promise.resolve(undefined),
    whyHeld: () => Promise.resolve(undefined),
    requireAllBricksOnline: refuse,
    brickServer: { program: 'glusterfsd', brickOf: () => undefined },
    client: { liveFirst: refuse, mount: refuse, fusermounts: [] },
    observe: { volume: refuse },
    effects: { makeExports: refuse, admitClients: refuse, startBrick: refuse, stopBrick: refuse, closePorts: refuse },
  }
}
