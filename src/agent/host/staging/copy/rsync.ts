import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port/host.js'
import { transferPathsOf } from '../paths.js'
import { userErrorIn } from '../errors.js'
import { rsyncFailed } from '../messages.js'
import type { AsUser } from '../user.js'

export interface Copied {
  /** Texts about files that could not be copied. */
  complaints: string[]
  /** Number of files that could not be copied, also of those without a text. */
  failed: number
}

export interface Progress {
  files: number
  bytes: number
}

/**
 * Of the extended attributes only those in `user.`, which a user can set. A buffer's mount may list attributes of the
 * bricks' file system too, but cannot read them, which rsync takes for a failure.
 */
export const attributes = ['--acls', '--xattrs', '--filter=-x! user.*']
/**
 * What every run preserves: links of both kinds, modes, times, groups, ACLs, extended attributes, pipes and sockets.
 */
const keep = ['--archive', '--no-devices', '--hard-links', ...attributes, '--numeric-ids']
const quick = ['--whole-file', '--no-implied-dirs', '--omit-dir-times']
const tell = ['--no-human-readable', '--info=progress2']

/**
 * In a buffer, files are written in place: a rename is expensive there, and a run that was cut short leaves a file with
 * another time, which is copied again. Outside, an existing file stays until the new one is complete: the incomplete
 * file is in the work directory, and is removed with it. --sparse only for files with holes: with it rsync writes 1 kB
 * at a time.
 */
export function copyArguments(
  { transfer, isInPlace, bytesPerSecond }: { transfer: DesiredTransfer; isInPlace: boolean; bytesPerSecond: number },
  { isSparse = false }: { isSparse?: boolean | undefined },
): string[] {
  const { verify, attempt } = transfer
  const where = isInPlace ? ['--inplace'] : [`--temp-dir=${transferPathsOf(transfer).notesDirectory}`]
  const rate = bytesPerSecond > 0 ? [`--bwlimit=${Math.ceil(bytesPerSecond / 1024)}K`] : []
  // An earlier attempt found a difference that size and time do not show.
  const compare = verify && attempt > 1 ? ['--checksum'] : []
  return ['rsync', ...keep, ...quick, ...(isSparse ? ['--sparse'] : []), ...where, ...compare, ...rate, ...tell]
}

/** Reads the names from standard input, each ended by a NUL. */
export const namesIn = ['--from0', '--files-from=-']

/** Source and destination of a run: the names in `names`, or all of `from`. */
export interface Work {
  from: string
  to: string
  names?: Buffer
}

/** Exit codes of a run that finished and could not copy everything. Source: rsync(1). */
const partial = new Set([11, 23, 24, 25])

/**
 * Runs rsync with these arguments from `from` to `to`, for the names given or for all. Returns files that could not be
 * copied as complaints. Throws when rsync ended early: Refusal for an error that the user can fix, else Error; then it
 * has to run again.
 */
export async function runRsync(
  user: AsUser,
  argv: string[],
  { from, to, names }: Work,
  onProgress: (progress: Progress) => void = () => {},
): Promise<Copied> {
  const copied: Copied = { complaints: [], failed: 0 }
  const onComplaint = (line: string) => {
    const words = complaint(line)
    if (words === undefined) return
    copied.failed++
    if (copied.complaints.length < 20) copied.complaints.push(words)
  }
  const onOutput = progressInto(onProgress)
  const { code, stderr } = await user.run([...argv, ...(names ? namesIn : []), '--', from, to] as unknown as [string], {
    onComplaint,
    onOutput,
    ...(names ? { stdin: names } : {}),
  })
  if (code === 0) return copied
  if (!partial.has(code)) throw cutShort(code, stderr)
  if (copied.failed === 0) return { complaints: [stderr], failed: 1 }
  return copied
}

function cutShort(code: number, stderr: string): Error {
  const mistake = userErrorIn(stderr)
  return mistake === undefined ? new Error(rsyncFailed(code, stderr)) : new Refusal(mistake)
}

/** The text of a line about one file; undefined for a summary line. */
function complaint(line: string): string | undefined {
  if (/^rsync( error|: \[\w+\] io timeout)|^rsync warning: some files vanished/.test(line)) return undefined
  if (/^rsync: /.test(line)) return line.replace(/^rsync: (\[\w+\] )?/, '')
  if (/^file has vanished: /.test(line)) return line
  if (/^(skipping|cannot|could not|failed|WARNING|IO error)/.test(line)) return line
  return undefined
}

/**
 * Takes rsync's output in chunks, and reports the progress after each; keeps an incomplete line until its rest comes.
 */
export function progressInto(onProgress: (progress: Progress) => void): (chunk: Buffer) => void {
  let rest = ''
  return (chunk) => {
    const text = rest + chunk.toString('latin1')
    const end = Math.max(text.lastIndexOf('\r'), text.lastIndexOf('\n'))
    rest = text.slice(end + 1).slice(-maxProgressLine)
    const progress = end < 0 ? undefined : parseProgress(text.slice(0, end))
    if (progress) onProgress(progress)
  }
}

const maxProgressLine = 1_000

/** The progress in the last line, like `  1092  0%  76.03kB/s  0:00:00 (xfr#300, to-chk=2/304)`. */
export function parseProgress(text: string): Progress | undefined {
  const last = text.split(/[\r\n]/).findLast((line) => /^\s*\d+\s+\d+%/.test(line))
  if (last === undefined) return undefined
  return { bytes: Number(/\d+/.exec(last)![0]), files: Number(/xfr#(\d+)/.exec(last)?.[1] ?? 0) }
}

/** The names whose contents at the destination differ, by checksum: reads all bytes of source and destination. */
export async function differing(user: AsUser, { from, to, names }: Work): Promise<string[]> {
  const differ: string[] = []
  let rest = ''
  const argv = [
    'rsync',
    ...keep,
    ...quick,
    '--dry-run',
    '--checksum',
    '--out-format=%i %n',
    ...(names ? namesIn : []),
    '--',
    from,
    to,
  ]
  const { code, stderr } = await user.run(argv as [string], {
    ...(names ? { stdin: names } : {}),
    onOutput: (chunk) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop()!
      for (const line of lines) if (/^[<>]f/.test(line)) differ.push(line.slice(line.indexOf(' ') + 1))
    },
  })
  if (code !== 0 && !partial.has(code)) throw cutShort(code, stderr)
  return differ
}
