/*
 * What planners must know of the data planes: how a volume comes and goes, and what its mounts look like.
 */
export { planDirectVolume } from './direct/volume.js'
export { planPeer } from './glusterd/peer.js'
export { planGlusterfsVolume, volumeStepsAtOnce } from './glusterd/volume.js'
export { isMountOf } from './mountSource.js'
