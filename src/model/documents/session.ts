import { z } from 'zod'
import { accountId, maxHosts, record, text, writtenAddresses } from '../fields.js'
import { documentName, hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { id, unixSeconds, version } from './common.js'
import { transferFields, transferCounts } from './transferFields.js'

/**
 * How far Slurm has come with a session, each reached when the call of that name succeeded or began:
 * setup → staging-in (data_in: its stage-ins are wanted) → staged-in → running (pre_run: mounts wanted)
 * → ran (post_run: mounts not wanted) → staging-out (data_out: its stage-outs are wanted) → staged-out → leaving (teardown).
 */
export const sessionStages = [
  'setup',
  'staging-in',
  'staged-in',
  'running',
  'ran',
  'staging-out',
  'staged-out',
  'leaving',
] as const
export type SessionStage = (typeof sessionStages)[number]

/** One transfer of a job: of a stage directive of its script, or the fan-out behind them. It is wanted in the stage of its direction while `ended` is not set. */
export const sessionTransfer = tolerant({
  /** From 1, in the script's order. */
  number: z.int().positive(),
  ...transferFields,
  /** Key of the buffer's document. */
  buffer: documentName,
  /** From 1; one more for each time an operator says retry. */
  attempt: z.int().positive(),
  ended: tolerant({
    at: unixSeconds,
    /** dropped: an operator gave the data up. */
    state: z.enum(['done', 'failed', 'dropped']),
    reason: text.optional(),
    counts: transferCounts.optional(),
    /** Some of what failed. */
    failures: z.array(z.string().max(32_768)).max(100).optional(),
  }).optional(),
})
export type SessionTransfer = z.infer<typeof sessionTransfer>

/** `sessions/<token>`: one Slurm token. */
export const sessionDocument = tolerant({
  v: version,
  id,
  /** A job id, or a persistent buffer's name. The key differs when the session was archived. */
  token: documentName,
  kind: z.enum(['job', 'persistent']),
  uid: accountId,
  gid: accountId,
  /** The buffer this session made, if any; deleted with the session. */
  buffer: documentName.optional(),
  /** Persistent buffers the job uses. */
  uses: z.array(documentName).max(1_000),
  /** They are mounted at the paths that all jobs share; at the session's own when absent. */
  sharedPaths: z.literal(true).optional(),
  computeHosts: z.array(hostName).max(maxHosts),
  /** What storage hosts know the compute hosts by, noted at pre_run: a host that is lost later must stay known. */
  addresses: record(hostName, writtenAddresses, maxHosts).optional(),
  stage: z.enum(sessionStages),
  /** Its hosts that could not unmount a buffer in their time, by the buffer's id: cut off from it until they have. */
  cutOff: z
    .array(tolerant({ host: hostName, buffer: id }))
    .max(maxHosts)
    .optional(),
  /** The transfers that its script asks for, as they were at setup. */
  transfers: z.array(sessionTransfer).max(1_000).optional(),
  createdAt: unixSeconds,
})
export type SessionDocument = z.infer<typeof sessionDocument>
