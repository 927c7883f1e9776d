import { parseSize } from '../../../model/capacity.js'
import type { StageDirection } from '../../../model/documents/transferFields.js'
import { poolName, problemWithPersistentName, quote } from '../../../model/names.js'
import { persistentVariable } from '../../../model/stagePath.js'
import { type Access, parseAccess, problemWithPersistentAccess } from './accessModes.js'
import type { Directives } from './directivesType.js'
import { readOptions } from './options.js'
import { type DirectiveLine, linesOfScript } from './scriptHead.js'
import { parseSwap } from './swapDirective.js'
import { parseStage } from './stageDirectives.js'
import { problemWithLength, problemWithStages } from './stageTransfers.js'

interface Line extends DirectiveLine {
  words: string[]
}

class Mistake extends Error {}

const maxStages = 100
const maxCreates = 16

/**
 * Reads the directives of a job script, or of its head. Whatever Slurm would see in it is seen, or the script is refused.
 * The refusal names the line, the word and what to write instead.
 */
export function parseDirectives(script: string | Buffer): Directives | { refused: string } {
  const lines = linesOfScript(typeof script === 'string' ? Buffer.from(script) : script)
  if ('refused' in lines) return lines
  const directives = noDirectives()
  if (lines.outputDirectory !== undefined) directives.outputDirectory = lines.outputDirectory
  try {
    for (const line of lines.directives) read(line, directives)
    checkPools(directives)
    checkNames(directives)
    const problem = problemWithStages(directives) ?? problemWithLength(directives)
    return problem === undefined ? directives : { refused: problem }
  } catch (error) {
    if (error instanceof Mistake) return { refused: error.message }
    throw error
  }
}

export function noDirectives(): Directives {
  return { uses: [], creates: [], destroys: [], stages: [] }
}

/** What each kind of line may say. Known words of DataWarp that this system does not serve are refused by name. */
const verbs: Record<DirectiveLine['kind'], Record<string, (line: Line, directives: Directives) => void>> = {
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

function read(directive: DirectiveLine, directives: Directives): void {
  const words = directive.text.split(/[ \t]+/).filter((word) => word !== '')
  const line = { ...directive, words }
  const [verb] = words
  const known = verbs[line.kind]
  if (verb === undefined) fail(line, `nothing follows: write one of ${Object.keys(known).join(', ')}`)
  const reader = Object.hasOwn(known, verb) ? known[verb] : undefined
  if (!reader) fail(line, `unknown word ${quote(verb)}: write one of ${Object.keys(known).join(', ')}`)
  checkTabs(line, verb)
  reader(line, directives)
}

/** Slurm ends these values at a blank alone: with a tab behind it, 3TB would be 3 bytes. */
function checkTabs(line: Line, verb: string): void {
  if (verb.startsWith('stage_')) return
  const keys = ['capacity', 'pool', 'name', ...(verb === 'create_persistent' ? ['access', 'access_mode', 'type'] : [])]
  for (const chunk of line.text.split(' ')) {
    for (const part of chunk.split('\t').slice(0, -1)) {
      const [key] = part.split('=', 1)
      if (part !== key && keys.includes(key!))
        fail(line, `a tab stands behind ${quote(part)}, which Slurm takes for a part of it: write a blank instead`)
    }
  }
}

function readJobdw(line: Line, directives: Directives): void {
  if (directives.jobdw)
    fail(
      line,
      'a job has one buffer of its own: for both kinds of access write access_mode=striped,private in one line',
    )
  const options = optionsOf(line, ['capacity', 'access_mode', 'type', 'pool'])
  checkType(line, options)
  const size = sized(line, options)
  if (size.bytes < minJobBytes && /^[0-9]+$/.test(options.get('capacity')!))
    fail(line, `capacity=${size.bytes} is a buffer of ${size.bytes} bytes: write a unit, as in 3TB, and no decimals`)
  directives.jobdw = { ...size, access: accessOf(line, options.get('access_mode')), line: line.shown }
}

/** Of `srun --bb="capacity=3.5TB"` Slurm makes capacity=3. */
const minJobBytes = 1024 ** 2

function readSwap(line: Line, directives: Directives): void {
  if (directives.swap) fail(line, 'a job has one line with swap')
  const swap = parseSwap(line.words.slice(1))
  if ('refused' in swap) fail(line, swap.refused)
  directives.swap = { ...swap, line: line.shown }
}

/** Swap lies on the job's own buffer, and the lines may stand in any order. */
function checkPools({ jobdw, swap }: Directives): void {
  if (!jobdw || swap?.pool === undefined || swap.pool === jobdw.pool) return
  throw new Mistake(
    `${swap.line}: swap lies on the buffer of the jobdw line: write the same pool= in both, or none here`,
  )
}

/** In this order, because lines may stand in any. */
function checkNames({ uses, destroys }: Directives): void {
  const destroyed = new Set(destroys.map(({ name }) => name))
  const variables = new Map<string, string>()
  for (const { name, line } of uses) {
    if (destroyed.has(name))
      throw new Mistake(`${line}: the same script destroys ${quote(name)}: destroy it in a job that runs afterwards`)
    const variable = persistentVariable(name)
    const other = variables.get(variable)
    if (other === name) throw new Mistake(`${line}: the persistent buffer ${quote(name)} is named twice`)
    if (other !== undefined)
      throw new Mistake(`${line}: ${quote(name)} and ${quote(other)} are both $${variable}: use them in two jobs`)
    variables.set(variable, name)
  }
}

function readPersistentdw(line: Line, directives: Directives): void {
  const options = optionsOf(line, ['name'])
  directives.uses.push({ name: nameOf(line, options), line: line.shown })
}

function readCreate(line: Line, directives: Directives): void {
  const options = optionsOf(line, ['name', 'capacity', 'access', 'access_mode', 'pool', 'type', 'group'])
  if (directives.creates.length === maxCreates) fail(line, `a script creates at most ${maxCreates} persistent buffers`)
  if (options.has('access') && options.has('access_mode'))
    fail(line, 'access= and access_mode= are the same: write one')
  checkType(line, options)
  const problem = problemWithPersistentAccess(options.get('access') ?? options.get('access_mode') ?? 'striped')
  if (problem !== undefined) fail(line, problem)
  const group = options.get('group')
  if (group !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(group))
    fail(line, `${quote(group)} is not the name of a group`)
  const shared = group === undefined ? {} : { group }
  const name = nameOf(line, options)
  if (directives.creates.some((create) => create.name === name))
    fail(line, `the persistent buffer ${quote(name)} is created twice`)
  directives.creates.push({ name, ...sized(line, options), ...shared, line: line.shown })
}

function readDestroy(line: Line, directives: Directives): void {
  const hurry = line.words.includes('hurry')
  const options = optionsOf({ ...line, words: line.words.filter((word) => word !== 'hurry') }, ['name'])
  directives.destroys.push({ name: nameOf(line, options), hurry, line: line.shown })
}

function readStage(direction: StageDirection) {
  return (line: Line, directives: Directives): void => {
    if (directives.stages.length === maxStages)
      fail(line, `a script has at most ${maxStages} stage lines: write them to a file, and stage type=list`)
    const stage = parseStage(direction, line.words.slice(1))
    if ('refused' in stage) fail(line, stage.refused)
    directives.stages.push({ ...stage, line: line.shown })
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
  if (pool !== undefined && !poolName.safeParse(pool).success) fail(line, `${quote(pool)} is not the name of a pool`)
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
  throw new Mistake(`${line.shown}: ${problem}`)
}

/** Every directive that this system reads, as `#DW jobdw`. */
export const directiveNames: readonly string[] = Object.entries(verbs).flatMap(([kind, readers]) =>
  Object.keys(readers).map((verb) => `${kind} ${verb}`),
)
