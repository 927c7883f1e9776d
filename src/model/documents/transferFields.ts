import { z } from 'zod'
import { path } from '../fields.js'
import { tolerant } from '../tolerant.js'
import { bytes } from './common.js'

export const stageDirections = ['in', 'out'] as const
export type StageDirection = (typeof stageDirections)[number]

/** fill: the fan-out, which copies what was staged in for private access to every node. The script has no line for it; it begins when the nodes are known. */
export const transferDirections = ['in', 'fill', 'out'] as const
export type TransferDirection = (typeof transferDirections)[number]

export const stageTypes = ['file', 'directory', 'list'] as const
export type StageType = (typeof stageTypes)[number]

export const transferCounts = tolerant({
  /** Copied so far, or found to be there already. */
  files: z.int().nonnegative(),
  bytes,
  /** What the scan found: for the whole transfer in the parts plan and finish, for its share in a copy. */
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

/** What a stage directive tells to copy. */
export const transferFields = {
  direction: z.enum(transferDirections),
  type: z.enum(stageTypes),
  /** The file or directory in the buffer; for a list, the directory to which its names are relative. */
  inside: insidePath,
  /** The file or directory outside; for a list, the same as `inside`, and absent when its line names none. */
  outside: path.optional(),
  /** For a list: the file that contains the pairs. `inside`: its path is in the buffer. */
  list: tolerant({ side: z.enum(['inside', 'outside']), path: z.string().max(4096) }).optional(),
  /** The only variable with which the lines of a list may begin: that of the buffer. */
  variable: z.string().regex(/^DW_(JOB_STRIPED|JOB_PRIVATE|PERSISTENT_STRIPED_[A-Za-z][A-Za-z0-9_-]{0,63})$/),
  /** True: contents are compared after everything is copied. */
  verify: z.boolean(),
  /** A file in which the user is told what failed. It is written as the user. */
  report: path.optional(),
}
