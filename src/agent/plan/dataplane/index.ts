import type { DesiredVolume } from '../../../model/documents/volume.js'
import type { VolumeFacts } from '../../port.js'
import type { Plan } from '../plan.js'
import { planDirectVolume } from './direct/volume.js'
import { planGlusterfsVolume } from './glusterd/volume.js'

/*
 * What planners must know of the data planes: how a volume comes and goes, and what its mounts look like.
 */
export { isMountOf } from './mountSource.js'
export { planPeer } from './glusterd/peer.js'
export { volumeStepsAtOnce } from './glusterd/volume.js'

/** The document and the facts are of one plane: the host looks at what the document asks for. */
export function planVolume(volume: DesiredVolume, facts: VolumeFacts): Plan<'volume'> {
  if (volume.type === 'direct') {
    if (facts.type === 'direct') return planDirectVolume(volume, facts)
  } else if (facts.type !== 'direct') return planGlusterfsVolume(volume, facts)
  throw new TypeError(`volume ${volume.volume} is of another data plane than what was seen of it`)
}
