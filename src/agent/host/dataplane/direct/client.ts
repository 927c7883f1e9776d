import { Refusal } from '../../../port/host.js'
import type { Client } from '../dataPlane.js'

/** Not yet. */
export function client(): Client {
  return {
    liveFirst: (servers) => Promise.resolve([...servers]),
    mountPointMode: '000',
    mount: () => Promise.reject(new Refusal('this release does not mount buffers of the data plane "direct"')),
    unmounted: () => Promise.resolve(),
    fusermounts: [],
  }
}
