import type { AsUser } from './user.js'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { namespacesOf } from './paths.js'
import type { RangedFile } from './noteFormats.js'

/** Where sandbox.c puts the program of copyrange.c. */
const program = '/copyrange'

/** How exactly a file system keeps times. */
export type Times = 'nanoseconds' | 'seconds'

/** A file that is copied in ranges. */
export interface RangedPaths {
  /** The file itself, or the directory that contains it, if `name` is not empty. */
  from: string
  place: string
  /** Where it is written until it is complete; its place when undefined. */
  draft: string | undefined
  name: string
}

/** What the program says in place of "done". */
export type Unlike = 'changed' | 'other' | { why: string }
const codes: Record<number, 'changed' | 'other'> = { 2: 'changed', 3: 'other' }

/** Creates the empty file. Gives the time of its source; `other`: a complete file is there. */
export async function prepareRanged(
  user: AsUser,
  paths: RangedPaths,
  bytes: number,
  times: Times | 'never',
): Promise<{ time: string } | { unlike: Unlike }> {
  const { code, stdout, stderr } = await run(user, 'prepare', paths, [bytes, times])
  return code === 0 ? { time: stdout.toString().trim() } : { unlike: codes[code] ?? { why: stderr } }
}

/** Copies a range. Undefined: it is copied. */
export async function copyRange(
  user: AsUser,
  paths: RangedPaths,
  { bytes, time, isSparse }: Pick<RangedFile, 'bytes' | 'time' | 'isSparse'>,
  range: { at: number; bytes: number; bytesPerSecond: number },
  onProgress: (bytes: number) => void,
): Promise<Unlike | undefined> {
  const words = [bytes, time, range.at, range.bytes, range.bytesPerSecond, isSparse ? 'holes' : 'whole']
  const onOutput = (chunk: Buffer) => {
    const told = chunk.toString().trimEnd().split('\n').at(-1)
    if (told) onProgress(Number(told))
  }
  const { code, stderr } = await run(user, 'copy', paths, words, onOutput)
  return code === 0 ? undefined : (codes[code] ?? { why: stderr })
}

/** Gives the file its time and place. `other`: a file cannot be moved from the draft to its place. */
export async function finishRanged(
  user: AsUser,
  paths: RangedPaths,
  { bytes, time }: Pick<RangedFile, 'bytes' | 'time'>,
  times: Times,
): Promise<Unlike | undefined> {
  const { code, stderr } = await run(user, 'finish', paths, [bytes, time, times])
  return code === 0 ? undefined : (codes[code] ?? { why: stderr })
}

function run(
  user: AsUser,
  act: string,
  { from, place, draft = '', name }: RangedPaths,
  words: (string | number)[],
  onOutput?: (chunk: Buffer) => void,
) {
  const argv = [program, act, from, place, draft, ...words.map(String)] as unknown as [string]
  return user.run(argv, { stdin: Buffer.from(name, 'latin1'), ...(onOutput ? { onOutput } : {}) })
}

/** The draft of a file in the work directory; undefined when it is written in its place. */
export function draftOf(directory: string, file: number, isInPlace: boolean): string | undefined {
  return isInPlace ? undefined : `${directory}/ranged-${file}`
}

/**
 * Whether files are written in place. Not outside of a buffer, and not where other users may have created files in it: it
 * would be written into another user's file.
 */
export async function writesInPlace(user: AsUser, transfer: DesiredTransfer): Promise<boolean> {
  const { destination } = namespacesOf(transfer, transfer.nodes?.[0])
  if (transfer.direction !== 'in' || destination === undefined) return false
  const { stdout } = await user.ok(['stat', '--printf=%a', '--', destination])
  return (Number.parseInt(stdout.toString(), 8) & 0o022) === 0
}
