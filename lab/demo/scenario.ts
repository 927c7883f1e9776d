import { createPersistent, destroyPersistent, usePersistent } from './persistent.js'
import { checkVolumes, createPerJob, lookUpMountpoints } from './job.js'
import { showCleanedUp, showState } from './system.js'
import type { Scene } from './scene.js'
import type { Plot } from './plot.js'

export interface Act {
  heading: string
  play: (scene: Scene, plot: Plot) => Promise<void>
}

/** The whole demo. Each act needs those before it. */
export const scenario: readonly Act[] = [
  { heading: 'Show current system state', play: showState },
  { heading: 'Create persistent buffer', play: createPersistent },
  { heading: 'Create per job buffer', play: createPerJob },
  { heading: 'Check volumes in gluster', play: checkVolumes },
  { heading: 'Lookup mountpoints in etcd', play: lookUpMountpoints },
  { heading: 'Use persistent buffer', play: usePersistent },
  { heading: 'Delete persistent buffer', play: destroyPersistent },
  { heading: 'Show all is cleaned up', play: showCleanedUp },
]
