import { z } from 'zod'
import { shortText } from '../fields.js'
import { clusterName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { unixSeconds, version } from './common.js'

/** `cluster`: the cluster to which these keys belong; recorded once. */
export const clusterDocument = tolerant({ v: version, name: clusterName })

/** `leader`, under the leading scheduler's lease. */
export const leaderDocument = tolerant({
  v: version,
  host: shortText,
  pid: z.int(),
  since: unixSeconds,
  /** The levels of documents that it reads and writes, as in `hosts/<host>` of an agent; only level 1 when absent. */
  documents: z.string().max(20).optional(),
})
export type LeaderDocument = z.infer<typeof leaderDocument>
