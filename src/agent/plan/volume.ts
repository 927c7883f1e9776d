import type { DesiredVolume } from '../../model/documents/volume.js'
import type { VolumeFacts } from '../port/host.js'
import { planDirectVolume, planGlusterfsVolume } from './dataplane/index.js'
import type { Plan } from '../port/plan.js'

/** The document and the facts are of one data plane: a host looks at what the document asks for. */
export function planVolume(volume: DesiredVolume, facts: VolumeFacts): Plan<'volume'> {
  if (volume.type === 'direct') {
    if (facts.type === 'direct') return planDirectVolume(volume, facts)
  } else if (facts.type !== 'direct') return planGlusterfsVolume(volume, facts)
  throw new TypeError(`volume ${volume.volume} is of another data plane than what was seen of it`)
}
