import { z } from 'zod'
import { accountId, maxHosts, record, text, writtenAddresses } from '../fields.js'
import { documentName, hostName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { id, unixSeconds, version } from './common.js'
import { transferFields, transferCounts } from './transferFields.js'

/**
 * The stage that Slurm has reached with a session. Each begins when the call in brackets succeeded or began:
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

/** One transfer of a job: for a stage directive of its script, or the fan-out after them. It is wanted in the stage of its direction until `ended` is set. */
export const sessionTransfer = tolerant({
  /** From 1, in the script's order. */
  number: z.int().positive(),
  ...transferFields,
  /** The key of the buffer's document. */
  buffer: documentName,
  /** Starts with 1, and increases each time an operator retries the transfer. */
  attempt: z.int().positive(),
  ended: tolerant({
    at: unixSeconds,
    /** dropped: an operator has discarded the data. */
    state: z.enum(['done', 'failed', 'dropped']),
    reason: text.optional(),
    counts: transferCounts.optional(),
    /** Examples of files that failed. */
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
  /** The buffer that this session created, if any; deleted with the session. */
  buffer: documentName.optional(),
  /** Persistent buffers the job uses. */
  uses: z.array(documentName).max(1_000),
  /** True: they are mounted at paths that all jobs share; otherwise at paths of this session. */
  sharedPaths: z.literal(true).optional(),
  computeHosts: z.array(hostName).max(maxHosts),
  /** The addresses of the compute hosts at pre_run: they are still needed when a host is lost later. */
  addresses: record(hostName, writtenAddresses, maxHosts).optional(),
  stage: z.enum(sessionStages),
  /** Hosts that did not unmount a buffer in time, by the buffer's id: they are disconnected from it until they have. */
  cutOff: z
    .array(tolerant({ host: hostName, buffer: id }))
    .max(maxHosts)
    .optional(),
  /** The transfers of its script, as they were at setup. */
  transfers: z.array(sessionTransfer).max(1_000).optional(),
  createdAt: unixSeconds,
})
export type SessionDocument = z.infer<typeof sessionDocument>
