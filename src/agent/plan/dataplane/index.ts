/*
 * What planners must know of the data planes: how a volume comes and goes, and what its mounts look like. There is one.
 */
export { isMountOf } from './glusterd/mountSource.js'
export { planPeer } from './glusterd/peer.js'
export { planVolume, volumeStepsAtOnce } from './glusterd/volume.js'
