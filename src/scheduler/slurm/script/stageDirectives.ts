import { type StageDirection, type StageType, stageTypes } from '../../../model/documents/transferFields.js'
import { parseStagePath, type StagePath } from '../../../model/stagePath.js'
import * as messages from './messages.js'
import { readOptions } from './options.js'

/*
 * `#DW stage_in|stage_out type=… source=… destination=… [verify=checksum]`: one side of a copy is a path in a buffer of the job, the
 * other an absolute path of a file system outside. The values of the job's variables end in `/`, so `${DW_JOB_STRIPED}x` and
 * `$DW_JOB_STRIPED/x` name the same file. No other variable is known: nothing here ever reaches a shell.
 */
export interface Stage {
  direction: StageDirection
  type: StageType
  /** For a list: the file with the pairs. It is outside; for a stage_out it may also be in the buffer. */
  source: StagePath
  /** Only a list may go without. */
  destination?: StagePath
  verify: boolean
  /** The line contains `%` symbols that Slurm may not have replaced yet: whether its paths exist cannot be checked. */
  hasSymbols: boolean
}

const keys = ['type', 'source', 'destination', 'verify']

/** The words after the verb. The refusal is to be printed after the line. */
export function parseStage(direction: Stage['direction'], words: readonly string[]): Stage | { refused: string } {
  const options = readOptions(words, keys)
  if ('refused' in options) return options
  const [type, source, destination, verify] = keys.map((key) => options.get(key))
  const known = stageTypes.find((name) => name === type)
  if (!known) return { refused: type === undefined ? messages.stageTypeMissing() : messages.unknownStageType(type) }
  if (verify !== undefined && verify !== 'checksum') return { refused: messages.unknownVerify(verify) }
  const from = side('source', source, known, sourceSides(direction, known))
  if ('refused' in from) return from
  const hasSymbols = words.some((word) => /%[%Aadjux]/.test(word))
  const stage = { direction, type: known, source: from, verify: verify !== undefined, hasSymbols }
  if (destination === undefined && known === 'list') return stage
  const to = side('destination', destination, known === 'list' ? 'directory' : known, [
    direction === 'in' ? 'buffer' : 'outside',
  ])
  return 'refused' in to ? to : { ...stage, destination: to }
}

type Side = 'buffer' | 'outside'

function sourceSides(direction: Stage['direction'], type: Stage['type']): Side[] {
  if (direction === 'in') return ['outside']
  return type === 'list' ? ['outside', 'buffer'] : ['buffer']
}

function side(
  key: 'source' | 'destination',
  text: string | undefined,
  type: Stage['type'],
  sides: Side[],
): StagePath | { refused: string } {
  if (text === undefined) return { refused: messages.pathMissing(key, example(sides)) }
  if (/[*?[\]]/.test(text)) return { refused: messages.patternInPath(key, text) }
  const parsed = parseStagePath(text)
  if ('refused' in parsed) return { refused: messages.invalidPath(key, parsed.refused) }
  if (!sides.includes(parsed.in === 'outside' ? 'outside' : 'buffer')) {
    const misplaced = sides[0] === 'buffer' ? messages.pathOutside : messages.pathInBuffer
    return { refused: misplaced(key, text, example(sides)) }
  }
  const isFolder = text.endsWith('/') || parsed.path === '' || parsed.path === '/'
  if (type !== 'directory' && isFolder) return { refused: messages.fileNameMissing(key, text) }
  return parsed
}

function example(sides: Side[]): string {
  return sides[0] === 'buffer' ? '$DW_JOB_STRIPED/…' : '/…'
}
