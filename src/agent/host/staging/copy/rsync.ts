import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import { Refusal } from '../../../port.js'
import { userErrorIn } from '../errors.js'
import type { AsUser } from '../user.js'

export interface Copied {
  /** Of files that it could not copy. */
  complaints: string[]
  /** All of them, also those that are not kept in words. */
  failed: number
}

export interface Progress {
  files: number
  bytes: number
}

/**
 * Of extended attributes a user's own: the only ones that a user can set. A buffer's mount may name attributes of the bricks' file
 * system too, and then has none of them, which rsync takes for a failure.
 */
export const attributes = ['--acls', '--xattrs', '--filter=-x! user.*']
/** What every run keeps: links of both kinds, modes, times, groups, ACLs, extended attributes, pipes and sockets. */
const keep = ['--archive', '--no-devices', '--hard-links', ...attributes, '--numeric-ids']
const quick = ['--whole-file', '--no-implied-dirs', '--omit-dir-times']
const tell = ['--no-human-readable', '--info=progress2']

/**
 * Into a buffer files are written in place: a rename costs a buffer dearly, and a run that was cut short leaves a file of
 * another time, which is copied again. Outside, what stands there stays whole until the new file is: what is half-written lies
 * in the work directory, and goes with it. Holes are kept where there are any: for their sake rsync writes 1 kB at a time.
 */
export function copyArguments(
  { direction, verify, attempt }: DesiredTransfer,
  notesDirectory: string,
  { isSparse = false }: { isSparse?: boolean | undefined },
  isShared: boolean,
): string[] {
  const where = direction === 'in' && !isShared ? ['--inplace'] : [`--temp-dir=${notesDirectory}`]
  // A difference that size and time do not show was found by an earlier attempt.
  const compare = verify && attempt > 1 ? ['--checksum'] : []
  return ['rsync', ...keep, ...quick, ...(isSparse ? ['--sparse'] : []), ...where, ...compare, ...tell]
}

/** Names below both directories, one after another with a NUL, in the standard input. */
export const namesIn = ['--from0', '--files-from=-']

/** What it copies between: names from a list, or all that `from` is. */
export interface Work {
  from: string
  to: string
  names?: Buffer
}

/** Exit codes of a run that came to its end, and could not copy everything. Source: rsync(1). */
const partial = new Set([11, 23, 24, 25])

/**
 * Runs it with these arguments from `from` to `to`, for the names given or for all. Files that could not be copied come
 * back as complaints; throws when it was cut short and has to run again: Refusal when the destination takes no more,
 * else Error.
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
  return mistake === undefined ? new Error(`rsync ended with exit code ${code}: ${stderr}`) : new Refusal(mistake)
}

/** A line about one file; not those that sum up. */
function complaint(line: string): string | undefined {
  if (/^rsync( error|: \[\w+\] io timeout)|^rsync warning: some files vanished/.test(line)) return undefined
  if (/^rsync: /.test(line)) return line.replace(/^rsync: (\[\w+\] )?/, '')
  if (/^file has vanished: /.test(line)) return line
  if (/^(skipping|cannot|could not|failed|WARNING|IO error)/.test(line)) return line
  return undefined
}

/** Takes rsync's output, and tells what each chunk of it has come to; a line that a chunk cuts short waits for its rest. */
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

/** The last of its lines: `  1,092  0%  76.03kB/s  0:00:00 (xfr#300, to-chk=2/304)`, without commas. */
export function parseProgress(text: string): Progress | undefined {
  const last = text.split(/[\r\n]/).findLast((line) => /^\s*\d+\s+\d+%/.test(line))
  if (last === undefined) return undefined
  return { bytes: Number(/\d+/.exec(last)![0]), files: Number(/xfr#(\d+)/.exec(last)?.[1] ?? 0) }
}

/** The names whose contents differ at the destination, by checksum: reads all bytes of both sides. */
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
