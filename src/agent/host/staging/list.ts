import { basename } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { parseStagePath, variableOf } from '../../../model/stagePath.js'
import { Refusal } from '../../port/host.js'
import { gatheredAt, namespacesOf, type Endpoints } from './paths.js'
import { nameOf, resolveAll, type StagePaths } from './resolve.js'
import {
  inAnotherBuffer,
  inLine,
  isInBuffer,
  lineTooLong,
  listNotUtf8,
  listTooLong,
  noDestination,
  noList,
  notInBuffer,
  partTooLong,
  pathTooLong,
  sameDestination,
  tooManyWords,
} from './messages.js'
import type { AsUser } from './user.js'
import { readBytes } from './notes.js'

const maxListBytes = 8 * 1024 * 1024
const maxLines = 10_000
/** Room for a source and a destination of 4,096 bytes each, the kernel's limit for a path. */
const maxLineBytes = 8_300
const maxPathBytes = 4_096
const maxPartBytes = 255

interface ListParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  /** The node whose namespace is copied from or to. */
  node: string | undefined
}

/**
 * Source and destination of each file in a list, with links resolved. The destination is in the line, or else in the
 * directive. Throws Refusal, with the number of the line, for a file that cannot be read or may not be copied.
 */
export async function listedPairs(parts: ListParts): Promise<Endpoints[]> {
  const { transfer, user, stagePaths, node } = parts
  const file = await listFile(parts)
  const listName = nameOf(transfer, file, node)
  const text = (await readBytes(user, file, maxListBytes))?.toString()
  if (text === undefined) throw new Refusal(noList(listName))
  if (text.includes('\uFFFD')) throw new Refusal(listNotUtf8(listName))
  const lines = text.split('\n').map((line) => line.trim())
  if (lines.length > maxLines) throw new Refusal(listTooLong(listName, maxLines))
  const pairs = lines.flatMap((line, index) => {
    if (line === '') return []
    const problem = problemWithLength(line)
    if (problem !== undefined) throw new Refusal(inLine(index + 1, listName, problem))
    const pair = pairOf(parts, line)
    if ('refused' in pair) throw new Refusal(inLine(index + 1, listName, pair.refused))
    return [{ ...pair, ...(node === undefined ? {} : { node }) }]
  })
  const resolved = await resolveAll(user, transfer, stagePaths, pairs)
  const taken = new Set<string>()
  for (const { destination } of resolved) {
    if (taken.has(destination)) throw new Refusal(sameDestination(listName, nameOf(transfer, destination, node)))
    taken.add(destination)
  }
  return resolved
}

async function listFile({ transfer, user, stagePaths, node }: ListParts): Promise<string> {
  const { list } = transfer
  if (!list) throw new Refusal('the transfer has type=list, but its document does not name a list')
  const namespace = namespaceOf(transfer, node)
  const path = list.side === 'outside' ? list.path : `${namespace}/${list.path}`
  // The list is checked like a source, whatever the direction of the transfer.
  const direction = list.side === 'outside' ? 'in' : 'out'
  const destination = direction === 'in' ? namespace : [...stagePaths.answering, ...stagePaths.silent][0]!
  const harmless = { source: path, destination, ...(node === undefined ? {} : { node }) }
  const [resolved] = await resolveAll(user, { ...transfer, direction }, stagePaths, [harmless])
  return resolved!.source
}

/** Checked before the line is parsed. */
function problemWithLength(line: string): string | undefined {
  if (Buffer.byteLength(line) > maxLineBytes) return lineTooLong(maxLineBytes)
  const words = line.split(/\s+/)
  if (words.some((word) => Buffer.byteLength(word) > maxPathBytes)) {
    return pathTooLong(maxPathBytes)
  }
  const parts = words.flatMap((word) => word.split('/'))
  if (parts.some((part) => Buffer.byteLength(part) > maxPartBytes)) {
    return partTooLong(maxPartBytes)
  }
  return undefined
}

function pairOf(parts: ListParts, line: string): Endpoints | { refused: string } {
  const { transfer, node } = parts
  const words = line.split(/\s+/)
  if (words.length > 2) return { refused: tooManyWords() }
  const [from, to] = words as [string, string?]
  const source = sideOf(parts, from, transfer.direction === 'in' ? 'outside' : 'inside')
  if (typeof source !== 'string') return source
  if (to !== undefined) {
    const destination = sideOf(parts, to, transfer.direction === 'in' ? 'inside' : 'outside')
    if (typeof destination !== 'string') return destination
    return { source, destination: transfer.direction === 'in' ? destination : gatheredAt(destination, 'file', node) }
  }
  if (transfer.direction === 'out' && transfer.outside === undefined) {
    return { refused: noDestination() }
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
    return side === 'outside' ? parsed.path : { refused: notInBuffer(text, transfer.variable) }
  }
  if (side === 'outside') return { refused: isInBuffer(text) }
  // A session of an earlier release may have a name with hyphens in its variable.
  if (variableOf(parsed) !== transfer.variable.replaceAll('-', '_'))
    return { refused: inAnotherBuffer(text, transfer.variable) }
  return `${namespaceOf(transfer, node)}/${parsed.path}`
}

function namespaceOf(transfer: DesiredTransfer, node: string | undefined): string {
  const { source, destination } = namespacesOf(transfer, node)
  return (source ?? destination)!
}
