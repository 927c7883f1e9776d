import { Refusal } from '../../host.js'
import { lookAt } from './look.js'
import type { AsUser } from './user.js'
import { type Batch, listOf, readBytes } from './work.js'

/** The files of a batch that are not at the destination with the size that they had when they were planned. */
export async function whatIsMissing(user: AsUser, work: string, batch: Batch, to: string): Promise<string[]> {
  return batch.pairs ? pairsMissing(user, batch.pairs) : listMissing(user, listOf(work, batch), batch.files, to)
}

async function pairsMissing(user: AsUser, pairs: NonNullable<Batch['pairs']>): Promise<string[]> {
  const found = await lookAt(
    user,
    pairs.map(({ to }) => to),
  )
  return pairs.flatMap(({ to, bytes }) => {
    const file = found.get(to)
    return file?.bytes === bytes ? [] : [file ? resized(to, bytes, file.bytes) : `${to}: it did not arrive`]
  })
}

async function listMissing(user: AsUser, list: string, files: number, to: string): Promise<string[]> {
  const planned = (await readBytes(user, `${list}.sizes`))?.toString().split('\n').map(Number)
  // A list that was cut short must not pass for a short list.
  if (planned?.length !== files) throw new Refusal(`${list} is not what was planned: retry the transfer`)
  const absent: string[] = []
  const words = [
    'env',
    `--chdir=${to}`,
    'xargs',
    '--null',
    `--arg-file=${list}`,
    'stat',
    '--printf=%s\\n',
    '--',
  ] as const
  const { stdout } = await user.run(words, {
    onComplaint: (line) => absent.push(`${line.replace(/^stat: cannot statx? /, '')}: it did not arrive`),
  })
  const sizes = stdout.toString().trimEnd().split('\n').map(Number)
  if (absent.length > 0 || sizes.length !== files) {
    const unsaid = files - sizes.length - absent.length
    return [...absent, ...Array.from({ length: Math.max(0, unsaid) }, () => 'a file did not arrive')]
  }
  const wrong = sizes.flatMap((size, index) => (size === planned[index] ? [] : [index]))
  if (wrong.length === 0) return []
  const names = (await readBytes(user, list))?.toString().split('\0') ?? []
  return wrong.map((index) => resized(names[index] ?? 'a file', planned[index]!, sizes[index]!))
}

function resized(name: string, planned: number, bytes: number): string {
  return `${name}: it had ${planned} bytes when it was found, and ${bytes} arrived: it changed while it was staged`
}
