import { Refusal } from '../../../port.js'
import { statPaths } from '../plan/stat.js'
import type { AsUser } from '../user.js'
import type { Notes } from '../notes.js'
import { type Batch, listOf } from '../noteFormats.js'

/**
 * The files of a batch that are not at the destination with the size that they had when they were planned, in words for
 * the user. Throws Refusal when the notes are not what was planned.
 */
export async function whatIsMissing(user: AsUser, notes: Notes, batch: Batch, to: string): Promise<string[]> {
  return batch.pairs ? pairsMissing(user, batch.pairs) : listMissing(user, notes, listOf(batch), batch.files, to)
}

async function pairsMissing(user: AsUser, pairs: NonNullable<Batch['pairs']>): Promise<string[]> {
  const found = await statPaths(
    user,
    pairs.map(({ to }) => to),
  )
  return pairs.flatMap(({ to, bytes }) => {
    const file = found.get(to)
    return file?.bytes === bytes ? [] : [file ? resized(to, bytes, file.bytes) : `${to}: it did not arrive`]
  })
}

async function listMissing(user: AsUser, notes: Notes, list: string, files: number, to: string): Promise<string[]> {
  const planned = (await notes.readList(`${list}.sizes`))?.toString().split('\n').map(Number)
  // A list that was cut short must not pass for a short list.
  if (planned?.length !== files) throw new Refusal(`${list} is not what was planned: retry the transfer`)
  const stdin = await listed(notes, list)
  const absent: string[] = []
  const words = ['env', `--chdir=${to}`, 'xargs', '--null', 'stat', '--printf=%s\\n', '--'] as const
  const { stdout } = await user.run(words, {
    stdin,
    onComplaint: (line) => absent.push(`${line.replace(/^stat: cannot statx? /, '')}: it did not arrive`),
  })
  const sizes = stdout.toString().trimEnd().split('\n').map(Number)
  if (absent.length > 0 || sizes.length !== files) {
    const unsaid = files - sizes.length - absent.length
    return [...absent, ...Array.from({ length: Math.max(0, unsaid) }, () => 'a file did not arrive')]
  }
  const wrong = sizes.flatMap((size, index) => (size === planned[index] ? [] : [index]))
  if (wrong.length === 0) return []
  const names = stdin.toString().split('\0')
  return wrong.map((index) => resized(names[index] ?? 'a file', planned[index]!, sizes[index]!))
}

/**
 * The names of a batch, each ended by a NUL, as programs read them from their standard input. Throws Refusal when the
 * list is gone.
 */
export async function listed(notes: Notes, list: string): Promise<Buffer> {
  const names = await notes.readList(list)
  if (names === undefined) throw new Refusal(`the list ${list} of this attempt is gone: retry the transfer`)
  return names
}

function resized(name: string, planned: number, bytes: number): string {
  return `${name}: it had ${planned} bytes when it was found, and ${bytes} arrived: it changed while it was staged`
}
