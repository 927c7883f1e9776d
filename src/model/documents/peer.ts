import { z } from 'zod'
import { hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { fence, reported, version } from './common.js'

export const desiredPeer = tolerant({
  v: version,
  fence,
  kind: z.literal('peer'),
  peer: hostName,
  /** It invites only while it knows some peer itself: a host that is alone would begin a second trusted pool. */
  asMember: z.literal(true).optional(),
})
/** `desired/<host>/peer/<peer>`: this host invites that one into the trusted pool. Deleting the key does not detach the peer. */
export type DesiredPeer = z.infer<typeof desiredPeer>

export const observedPeer = tolerant({ ...reported, state: z.enum(['forming', 'connected', 'disconnected']) })
export type ObservedPeer = z.infer<typeof observedPeer>
