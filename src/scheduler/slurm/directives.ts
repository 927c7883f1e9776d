import { parseSize } from '../../model/capacity.js'
import { problemWithPersistentName, quote } from '../../model/names.js'
import type { StageDirection } from '../../model/documents.js'
import { type Access, parseAccess, problemWithPersistentAccess } from './accessModes.js'
import { readOptions } from './options.js'
import { parseSwap, type SwapLine } from './swapDirective.js'
import { parseStage } from './stageDirectives.js'
import { problemWithStages, type StageLine } from './stageLines.js'

/** What a job script asks for, as far as this system serves it. */
export interface Directives {
  jobdw?: { bytes: number; access: Access; pool?: string; line: number }
  swap?: SwapLine & { line: number }
  /** Persistent buffers that the job uses. */
  uses: { name: string; line: number }[]
  creates: { name: string; bytes: number; pool?: string; group?: string; line: number }[]
  destroys: { name: string; hurry: boolean; line: number }[]
  stages: StageLine[]
}

/** A directive over its lines, as its words. */
interface Line {
  number: number
  kind: '#DW' | '#BB'
  words: string[]
}

class Mistake extends Error {}

const mostBytes = 1024 * 1024

/**
 * Reads the directives of a job script. Slurm stops at the first line that does not begin with `#`; a backslash at the end
 * goes on in the next line of the same kind. The refusal names the line, the word and what to write instead.
 */
export function parseDirectives(script: string): Directives | { refused: string } {
  if (script.length > mostBytes) return { refused: 'the job script is larger than 1 MiB' }
  const directives: Directives = noDirectives()
  try {
    for (const line of directiveLines(script)) read(line, directives)
    checkPools(directives)
    const problem = problemWithStages(directives)
    return problem === undefined ? directives : { refused: problem }
  } catch (error) {
    if (error instanceof Mistake) return { refused: error.message }
    throw error
  }
}

export function noDirectives(): Directives {
  return { uses: [], creates: [], destroys: [], stages: [] }
}

function* directiveLines(script: string): Generator<Line> {
  const lines = script.split(/\r?\n/)
  for (let index = 0; index < lines.length; index++) {
    const text = lines[index]!
    if (!text.startsWith('#')) return
    const kind = kindOf(text)
    if (!kind) continue
    const number = index + 1
    let joined = text.slice(kind.length)
    while (joined.trimEnd().endsWith('\\')) {
      joined = joined.trimEnd().slice(0, -1)
      const next = lines[index + 1]
      if (next === undefined || kindOf(next) !== kind) {
        throw new Mistake(`line ${index + 1}: it ends in "\\" but the next line does not begin with ${kind}`)
      }
      joined += ` ${next.slice(kind.length)}`
      index++
    }
    yield { number, kind, words: joined.split(/[ \t]+/).filter((word) => word !== '') }
  }
}

function kindOf(line: string): '#DW' | '#BB' | undefined {
  const found = /^(#DW|#BB)([ \t]|$)/.exec(line)?.[1]
  return found as '#DW' | '#BB' | undefined
}

/** What each kind of line may say. Known words of DataWarp that this system does not serve are refused by name. */
const verbs: Record<Line['kind'], Record<string, (line: Line, directives: Directives) => void>> = {
  '#DW': {
    jobdw: readJobdw,
    persistentdw: readPersistentdw,
    stage_in: readStage('in'),
    stage_out: readStage('out'),
    swap: readSwap,
    create_persistent: (line) => fail(line, `create_persistent is written #BB create_persistent, not #DW`),
    destroy_persistent: (line) => fail(line, `destroy_persistent is written #BB destroy_persistent, not #DW`),
  },
  '#BB': { create_persistent: readCreate, destroy_persistent: readDestroy },
}

function read(line: Line, directives: Directives): void {
  const [verb] = line.words
  const known = verbs[line.kind]
  if (verb === undefined) fail(line, `nothing follows: write one of ${Object.keys(known).join(', ')}`)
  const reader = Object.hasOwn(known, verb) ? known[verb] : undefined
  if (!reader) fail(line, `unknown word ${quote(verb)}: write one of ${Object.keys(known).join(', ')}`)
  reader(line, directives)
}

function readJobdw(line: Line, directives: Directives): void {
  if (directives.jobdw)
    fail(line, `jobdw stands already in line ${directives.jobdw.line}: a job has one buffer of its own`)
  const options = optionsOf(line, ['capacity', 'access_mode', 'type', 'pool'])
  checkType(line, options)
  directives.jobdw = { ...sized(line, options), access: accessOf(line, options.get('access_mode')), line: line.number }
}

function readSwap(line: Line, directives: Directives): void {
  if (directives.swap) fail(line, `swap stands already in line ${directives.swap.line}`)
  const swap = parseSwap(line.words.slice(1))
  if ('refused' in swap) fail(line, swap.refused)
  directives.swap = { ...swap, line: line.number }
}

/** Swap lies on the job's own buffer, and the lines may stand in any order. */
function checkPools({ jobdw, swap }: Directives): void {
  if (!jobdw || swap?.pool === undefined || swap.pool === jobdw.pool) return
  throw new Mistake(
    `line ${swap.line}: #DW swap lies on the buffer of the jobdw line: write the same pool= in both, or none here`,
  )
}

function readPersistentdw(line: Line, directives: Directives): void {
  const options = optionsOf(line, ['name'])
  const name = nameOf(line, options)
  if (directives.uses.some((use) => use.name === name))
    fail(line, `the persistent buffer ${quote(name)} is named twice`)
  directives.uses.push({ name, line: line.number })
}

function readCreate(line: Line, directives: Directives): void {
  const options = optionsOf(line, ['name', 'capacity', 'access', 'access_mode', 'pool', 'type', 'group'])
  if (options.has('access') && options.has('access_mode'))
    fail(line, 'access= and access_mode= are the same: write one')
  checkType(line, options)
  const problem = problemWithPersistentAccess(options.get('access') ?? options.get('access_mode') ?? 'striped')
  if (problem !== undefined) fail(line, problem)
  const group = options.get('group')
  if (group !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(group))
    fail(line, `${quote(group)} is no group's name`)
  const shared = group === undefined ? {} : { group }
  const name = nameOf(line, options)
  if (directives.creates.some((create) => create.name === name))
    fail(line, `the persistent buffer ${quote(name)} is created twice`)
  directives.creates.push({ name, ...sized(line, options), ...shared, line: line.number })
}

function readDestroy(line: Line, directives: Directives): void {
  const hurry = line.words.includes('hurry')
  const options = optionsOf({ ...line, words: line.words.filter((word) => word !== 'hurry') }, ['name'])
  directives.destroys.push({ name: nameOf(line, options), hurry, line: line.number })
}

function readStage(direction: StageDirection) {
  return (line: Line, directives: Directives): void => {
    const stage = parseStage(direction, line.words.slice(1))
    if ('refused' in stage) fail(line, `stage_${direction} ${stage.refused}`)
    directives.stages.push({ ...stage, line: line.number })
  }
}

function optionsOf(line: Line, known: string[]): Map<string, string> {
  const options = readOptions(line.words.slice(1), known)
  return 'refused' in options ? fail(line, options.refused) : options
}

function sized(line: Line, options: Map<string, string>): { bytes: number; pool?: string } {
  const capacity = options.get('capacity')
  if (capacity === undefined) fail(line, 'capacity= is missing: write capacity=3TB, say')
  const size = parseSize(capacity)
  if ('refused' in size) fail(line, size.refused)
  const pool = options.get('pool')
  return { bytes: size.bytes, ...(pool === undefined ? {} : { pool }) }
}

function nameOf(line: Line, options: Map<string, string>): string {
  const name = options.get('name')
  if (name === undefined) fail(line, 'name= is missing')
  const problem = problemWithPersistentName(name)
  if (problem !== undefined) fail(line, problem)
  return name
}

function checkType(line: Line, options: Map<string, string>): void {
  const type = options.get('type')
  if (type === undefined || type === 'scratch') return
  if (type === 'cache' || type === 'swap')
    fail(line, `type=${type} is a word of DataWarp that this system does not serve: write type=scratch`)
  fail(line, `unknown type ${quote(type)}: write type=scratch`)
}

function accessOf(line: Line, text: string | undefined): Access {
  if (text === undefined) return { modes: ['striped'], clientCache: {} }
  const access = parseAccess(text)
  if ('refused' in access) fail(line, access.refused)
  return access
}

function fail(line: Line, problem: string): never {
  throw new Mistake(`line ${line.number}: ${line.kind} ${problem}`)
}
