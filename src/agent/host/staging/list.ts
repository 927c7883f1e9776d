import { basename } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { quote } from '../../../model/names.js'
import { parseStagePath, variableOf } from '../../../model/stagePath.js'
import { Refusal } from '../../port.js'
import { gatheredAt, namespacesOf, type Endpoints } from './paths.js'
import { nameOf, resolveAll, type StagePaths } from './resolve.js'
import type { AsUser } from './user.js'
import { readBytes } from './notes.js'

const maxListBytes = 8 * 1024 * 1024
const maxLines = 10_000
/** Room for a source and a destination of 4,096 bytes each, which is what the kernel takes. */
const maxLineBytes = 8_300
const maxPathBytes = 4_096
const maxPartBytes = 255

interface ListParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  /** The node whose namespace is meant. */
  node: string | undefined
}

/**
 * The files of a list, from where to where, without links; the destination of each is told in its line, or is the
 * list's directory. Throws Refusal, naming the line, for what cannot be read or may not be copied.
 */
export async function listedPairs(parts: ListParts): Promise<Endpoints[]> {
  const { transfer, user, stagePaths, node } = parts
  const file = await listFile(parts)
  const listName = nameOf(transfer, file, node)
  const text = (await readBytes(user, file, maxListBytes))?.toString()
  if (text === undefined) throw new Refusal(`the list ${listName} is not there`)
  if (text.includes('\uFFFD')) throw new Refusal(`the list ${listName} is no UTF-8: use type=directory`)
  const lines = text.split('\n').map((line) => line.trim())
  if (lines.length > maxLines) {
    throw new Refusal(`the list ${listName} has more than ${maxLines} lines: use type=directory`)
  }
  const pairs = lines.flatMap((line, index) => {
    if (line === '') return []
    const problem = problemWithLength(line)
    if (problem !== undefined) throw new Refusal(`line ${index + 1} of the list ${listName}: ${problem}`)
    const pair = pairOf(parts, line)
    if ('refused' in pair) throw new Refusal(`line ${index + 1} of the list ${listName}: ${pair.refused}`)
    return [{ ...pair, ...(node === undefined ? {} : { node }) }]
  })
  const resolved = await resolveAll(user, transfer, stagePaths, pairs)
  const taken = new Set<string>()
  for (const { destination } of resolved) {
    if (taken.has(destination)) throw new Refusal(`the list has two files for ${nameOf(transfer, destination, node)}`)
    taken.add(destination)
  }
  return resolved
}

async function listFile({ transfer, user, stagePaths, node }: ListParts): Promise<string> {
  const { list } = transfer
  if (!list) throw new Refusal('the transfer of a list names no list')
  const namespace = namespaceOf(transfer, node)
  const path = list.side === 'outside' ? list.path : `${namespace}/${list.path}`
  // Looked at as a source outside or inside is, whatever the direction.
  const direction = list.side === 'outside' ? 'in' : 'out'
  const destination = direction === 'in' ? namespace : [...stagePaths.answering, ...stagePaths.silent][0]!
  const harmless = { source: path, destination, ...(node === undefined ? {} : { node }) }
  const [resolved] = await resolveAll(user, { ...transfer, direction }, stagePaths, [harmless])
  return resolved!.source
}

/** Told before anything is made of the line. */
function problemWithLength(line: string): string | undefined {
  if (Buffer.byteLength(line) > maxLineBytes) return `it is longer than ${maxLineBytes} bytes`
  const words = line.split(/\s+/)
  if (words.some((word) => Buffer.byteLength(word) > maxPathBytes)) {
    return `a path is longer than ${maxPathBytes} bytes`
  }
  const parts = words.flatMap((word) => word.split('/'))
  if (parts.some((part) => Buffer.byteLength(part) > maxPartBytes)) {
    return `a part of a path is longer than ${maxPartBytes} bytes`
  }
  return undefined
}

function pairOf(parts: ListParts, line: string): Endpoints | { refused: string } {
  const { transfer, node } = parts
  const words = line.split(/\s+/)
  if (words.length > 2)
    return { refused: 'more than a source and a destination: names with blanks need type=directory' }
  const [from, to] = words as [string, string?]
  const source = sideOf(parts, from, transfer.direction === 'in' ? 'outside' : 'inside')
  if (typeof source !== 'string') return source
  if (to !== undefined) {
    const destination = sideOf(parts, to, transfer.direction === 'in' ? 'inside' : 'outside')
    if (typeof destination !== 'string') return destination
    return { source, destination: transfer.direction === 'in' ? destination : gatheredAt(destination, 'file', node) }
  }
  if (transfer.direction === 'out' && transfer.outside === undefined) {
    return { refused: 'no destination: write one in the line, or destination= in the stage line' }
  }
  if (transfer.direction === 'out') {
    return { source, destination: gatheredAt(`${transfer.outside}/${basename(source)}`, 'file', node) }
  }
  const folder = [namespaceOf(transfer, node), transfer.inside].filter((part) => part !== '').join('/')
  return { source, destination: `${folder}/${basename(source)}` }
}

function sideOf({ transfer, node }: ListParts, text: string, side: 'inside' | 'outside'): string | { refused: string } {
  const parsed = parseStagePath(text)
  if ('refused' in parsed) return parsed
  if (parsed.in === 'outside') {
    return side === 'outside'
      ? parsed.path
      : { refused: `${quote(text)} is not in the buffer: write $${transfer.variable}/…` }
  }
  if (side === 'outside') return { refused: `${quote(text)} is in the buffer: write a path outside` }
  // A session of an earlier release may have the name in its variable as it is.
  if (variableOf(parsed) !== transfer.variable.replaceAll('-', '_'))
    return { refused: `${quote(text)} is another buffer: write $${transfer.variable}/…` }
  return `${namespaceOf(transfer, node)}/${parsed.path}`
}

function namespaceOf(transfer: DesiredTransfer, node: string | undefined): string {
  const { source, destination } = namespacesOf(transfer, node)
  return (source ?? destination)!
}
