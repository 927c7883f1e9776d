import { basename } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents.js'
import { quote } from '../../../model/names.js'
import { parseStagePath } from '../../../model/stagePath.js'
import { Refusal } from '../../host.js'
import { placesOf } from './places.js'
import { nameOf, resolveAll, type Sides, type StagePaths } from './resolve.js'
import type { AsUser } from './user.js'
import { readBytes } from './work.js'

const mostLines = 10_000

/** The files of a list, from where to where; the destination of each is told in its line, or is the list's directory. */
export async function listedPairs(parts: {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
}): Promise<Sides[]> {
  const { transfer, user, stagePaths } = parts
  const file = await listFile(parts)
  const text = (await readBytes(user, file))?.toString()
  if (text === undefined) throw new Refusal(`the list ${nameOf(transfer, file)} is not there`)
  if (text.includes('\uFFFD')) throw new Refusal(`the list ${nameOf(transfer, file)} is no UTF-8: use type=directory`)
  const lines = text.split('\n').map((line) => line.trim())
  if (lines.length > mostLines) {
    throw new Refusal(`the list ${nameOf(transfer, file)} has more than ${mostLines} lines: use type=directory`)
  }
  const pairs = lines.flatMap((line, index) => {
    if (line === '') return []
    const pair = pairOf(transfer, line)
    if ('refused' in pair) throw new Refusal(`line ${index + 1} of the list ${nameOf(transfer, file)}: ${pair.refused}`)
    return [pair]
  })
  const resolved = await resolveAll(user, transfer, stagePaths, pairs)
  const taken = new Set<string>()
  for (const { destination } of resolved) {
    if (taken.has(destination)) throw new Refusal(`the list has two files for ${nameOf(transfer, destination)}`)
    taken.add(destination)
  }
  return resolved
}

async function listFile({ transfer, user, stagePaths }: Parameters<typeof listedPairs>[0]): Promise<string> {
  const { list } = transfer
  if (!list) throw new Refusal('the transfer of a list names no list')
  const { namespace } = placesOf(transfer)
  const path = list.side === 'outside' ? list.path : `${namespace}/${list.path}`
  // Looked at as a source outside or inside is, whatever the direction.
  const direction = list.side === 'outside' ? 'in' : 'out'
  const harmless = { source: path, destination: direction === 'in' ? namespace : stagePaths[0]! }
  const [resolved] = await resolveAll(user, { ...transfer, direction }, stagePaths, [harmless])
  return resolved!.source
}

function pairOf(transfer: DesiredTransfer, line: string): Sides | { refused: string } {
  const words = line.split(/\s+/)
  if (words.length > 2)
    return { refused: 'more than a source and a destination: names with blanks need type=directory' }
  const [from, to] = words as [string, string?]
  const source = sideOf(transfer, from, transfer.direction === 'in' ? 'outside' : 'inside')
  if (typeof source !== 'string') return source
  if (to !== undefined) {
    const destination = sideOf(transfer, to, transfer.direction === 'in' ? 'inside' : 'outside')
    return typeof destination === 'string' ? { source, destination } : destination
  }
  if (transfer.direction === 'out' && transfer.outside === undefined) {
    return { refused: 'no destination: write one in the line, or destination= in the stage line' }
  }
  return { source, destination: `${placesOf(transfer).destination}/${basename(source)}` }
}

function sideOf(transfer: DesiredTransfer, text: string, side: 'inside' | 'outside'): string | { refused: string } {
  const parsed = parseStagePath(text)
  if ('refused' in parsed) return parsed
  if (parsed.in === 'outside') {
    return side === 'outside'
      ? parsed.path
      : { refused: `${quote(text)} is not in the buffer: write $${transfer.variable}/…` }
  }
  if (side === 'outside') return { refused: `${quote(text)} is in the buffer: write a path outside` }
  const variable = parsed.in === 'job' ? 'DW_JOB_STRIPED' : `DW_PERSISTENT_STRIPED_${parsed.name}`
  if (variable !== transfer.variable)
    return { refused: `${quote(text)} is another buffer: write $${transfer.variable}/…` }
  return `${placesOf(transfer).namespace}/${parsed.path}`
}
