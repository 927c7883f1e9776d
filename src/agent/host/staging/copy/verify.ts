import { Refusal } from '../../../port/host.js'
import { statPaths } from '../stat.js'
import type { AsUser } from '../user.js'
import type { Notes } from '../notes.js'
import { listIncomplete, notArrived, sizeDiffers } from '../messages.js'
import { type Batch, listOf } from '../noteFormats.js'

/**
 * A text for each file of a batch that is not at the destination with the size that it had when it was scanned. Throws
 * Refusal when the notes are incomplete.
 */
export async function whatIsMissing(user: AsUser, notes: Notes, batch: Batch, to: string): Promise<string[]> {
  return batch.pairs ? pairsMissing(user, batch.pairs) : listMissing(user, notes, listOf(batch), batch.files, to)
}

/** The same for pairs of single files. */
export async function pairsMissing(user: AsUser, pairs: NonNullable<Batch['pairs']>): Promise<string[]> {
  const found = await statPaths(
    user,
    pairs.map(({ to }) => to),
  )
  return pairs.flatMap(({ to, bytes }) => {
    const file = found.get(to)
    return file?.bytes === bytes ? [] : [file ? sizeDiffers(to, bytes, file.bytes) : notArrived(to)]
  })
}

async function listMissing(user: AsUser, notes: Notes, list: string, files: number, to: string): Promise<string[]> {
  const sizesBefore = (await notes.readList(`${list}.sizes`))?.toString().split('\n').map(Number)
  // A list that was cut short must not be taken for a short list.
  if (sizesBefore?.length !== files) throw new Refusal(listIncomplete(list))
  return namesMissing(user, await listed(notes, list), sizesBefore, to)
}

/** The same for these names, each ended by a NUL. */
export async function namesMissing(
  user: AsUser,
  stdin: Buffer,
  sizesBefore: readonly number[],
  to: string,
): Promise<string[]> {
  const files = sizesBefore.length
  const absent: string[] = []
  const words = ['env', `--chdir=${to}`, 'xargs', '--null', 'stat', '--printf=%s\\n', '--'] as const
  const { stdout } = await user.run(words, {
    stdin,
    onComplaint: (line) => absent.push(notArrived(line.replace(/^stat: cannot statx? /, ''))),
  })
  const sizes = stdout.toString().trimEnd().split('\n').map(Number)
  if (absent.length > 0 || sizes.length !== files) {
    const unsaid = files - sizes.length - absent.length
    return [...absent, ...Array.from({ length: Math.max(0, unsaid) }, () => notArrived())]
  }
  const wrong = sizes.flatMap((size, index) => (size === sizesBefore[index] ? [] : [index]))
  if (wrong.length === 0) return []
  const names = stdin.toString().split('\0')
  return wrong.map((index) => sizeDiffers(names[index] ?? 'a file', sizesBefore[index]!, sizes[index]!))
}

/**
 * The names of a batch, each ended by a NUL, as programs read them from their standard input. Throws Refusal when the
 * list is missing.
 */
export async function listed(notes: Notes, list: string): Promise<Buffer> {
  const names = await notes.readList(list)
  if (names === undefined) throw new Refusal(listIncomplete(list))
  return names
}
