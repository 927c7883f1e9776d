import { z } from 'zod'
import { path } from '../fields.js'
import { tolerant } from '../tolerant.js'
import { bytes } from './common.js'

export const stageDirections = ['in', 'out'] as const
export type StageDirection = (typeof stageDirections)[number]

/** fill: the fan-out, what was staged in for private access, copied to every node. It is no line of the script, and comes when the nodes are known. */
export const transferDirections = ['in', 'fill', 'out'] as const
export type TransferDirection = (typeof transferDirections)[number]

export const stageTypes = ['file', 'directory', 'list'] as const
export type StageType = (typeof stageTypes)[number]

export const transferCounts = tolerant({
  /** Copied so far, or found to be there already. */
  files: z.int().nonnegative(),
  bytes,
  /** What the scan found: of the whole transfer in the parts plan and finish, of its share by a copy. */
  totalFiles: z.int().nonnegative(),
  totalBytes: bytes,
  failed: z.int().nonnegative(),
  /** The largest file that the scan found. */
  largestBytes: bytes.optional(),
})
export type TransferCounts = z.infer<typeof transferCounts>

/** A path in a buffer's namespace, relative to its root, which is the empty path. */
const insidePath = z
  .string()
  .max(4096)
  .regex(/^([^/\0\n]+(\/[^/\0\n]+)*)?$/, 'a relative path')
  .refine((text) => !text.split('/').some((part) => part === '.' || part === '..'), 'a path without "." and ".."')

/** What is copied, as a stage directive says it. */
export const transferFields = {
  direction: z.enum(transferDirections),
  type: z.enum(stageTypes),
  /** The file or directory in the buffer; for a list, the directory below which its relative names lie. */
  inside: insidePath,
  /** The file or directory outside; for a list, the same as `inside`, and absent when its line names none. */
  outside: path.optional(),
  /** For a list: the file that holds the pairs. `inside`: its path is one in the buffer. */
  list: tolerant({ side: z.enum(['inside', 'outside']), path: z.string().max(4096) }).optional(),
  /** The one variable that a list's lines may begin with: that of the buffer. */
  variable: z.string().regex(/^DW_(JOB_STRIPED|JOB_PRIVATE|PERSISTENT_STRIPED_[A-Za-z][A-Za-z0-9_-]{0,63})$/),
  /** Contents are compared when all is copied. */
  verify: z.boolean(),
  /** Where the user is told what failed: a file to be written as the user. */
  report: path.optional(),
}
