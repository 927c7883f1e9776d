import { type StageDirection, type StageType, stageTypes } from '../../../model/documents/transferFields.js'
import { quote } from '../../../model/names.js'
import { parseStagePath, type StagePath } from '../../../model/stagePath.js'
import { readOptions } from './options.js'

/*
 * `#DW stage_in|stage_out type=… source=… destination=… [verify=checksum]`: one side of a copy is a path in a buffer of the job, the
 * other an absolute path of a file system outside. The values of the job's variables end in `/`, so `${DW_JOB_STRIPED}x` and
 * `$DW_JOB_STRIPED/x` name one file. No other variable is known: nothing here ever reaches a shell.
 */
export interface Stage {
  direction: StageDirection
  type: StageType
  /** For a list: the file that holds the pairs, outside, or for a stage_out in the buffer too. */
  source: StagePath
  /** Only a list may have none. */
  destination?: StagePath
  verify: boolean
  /** The line holds `%` symbols that Slurm may not have replaced in this call: its paths are not to be looked for yet. */
  hasSymbols: boolean
}

const keys = ['type', 'source', 'destination', 'verify']

/** The words behind the verb. The refusal is to be put behind the line. */
export function parseStage(direction: Stage['direction'], words: readonly string[]): Stage | { refused: string } {
  const options = readOptions(words, keys)
  if ('refused' in options) return options
  const [type, source, destination, verify] = keys.map((key) => options.get(key))
  const known = stageTypes.find((name) => name === type)
  if (!known)
    return { refused: `${type === undefined ? 'type= is missing' : `unknown type ${quote(type)}`}: ${oneType}` }
  if (verify !== undefined && verify !== 'checksum') {
    return { refused: `unknown verify=${quote(verify)}: write verify=checksum, or leave it out` }
  }
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

const oneType = `write one of ${stageTypes.map((type) => `type=${type}`).join(', ')}`

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
  if (text === undefined) return { refused: `${key}= is missing: write ${key}=${example(sides)}` }
  if (/[*?[\]]/.test(text)) {
    return {
      refused: `${key}=${quote(text)} holds one of * ? [ ], and nothing expands them here: type=directory copies all that is in a directory, type=list what a file names`,
    }
  }
  const parsed = parseStagePath(text)
  if ('refused' in parsed) return { refused: `${key}=: ${parsed.refused}` }
  if (!sides.includes(parsed.in === 'outside' ? 'outside' : 'buffer')) {
    const where = sides[0] === 'buffer' ? 'is not in a buffer of the job' : 'is in the buffer'
    return { refused: `${key}=${quote(text)} ${where}: write ${key}=${example(sides)}` }
  }
  const isFolder = text.endsWith('/') || parsed.path === '' || parsed.path === '/'
  if (type !== 'directory' && isFolder) return { refused: `${key}=${quote(text)} names no file: add the file's name` }
  return parsed
}

function example(sides: Side[]): string {
  return sides[0] === 'buffer' ? '$DW_JOB_STRIPED/…' : '/…'
}
