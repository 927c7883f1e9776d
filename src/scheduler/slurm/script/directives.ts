import { parseSize } from '../../../model/capacity.js'
import type { StageDirection } from '../../../model/documents/transferFields.js'
import { poolName } from '../../../model/names.js'
import { problemWithPersistentName } from '../../../model/persistentName.js'
import { persistentVariable } from '../../../model/stagePath.js'
import { type Access, parseAccess, problemWithPersistentAccess } from './accessModes.js'
import type { Directives } from './directivesType.js'
import * as messages from './messages.js'
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
 * Reads the directives of a job script, or of its head. It finds every directive that Slurm finds, or refuses the script.
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

/** The directives of each kind. Words of DataWarp that are not supported are refused by name. */
const verbs: Record<DirectiveLine['kind'], Record<string, (line: Line, directives: Directives) => void>> = {
  '#DW': {
    jobdw: readJobdw,
    persistentdw: readPersistentdw,
    stage_in: readStage('in'),
    stage_out: readStage('out'),
    swap: readSwap,
    create_persistent: (line) => fail(line, messages.belongsToBB('create_persistent')),
    destroy_persistent: (line) => fail(line, messages.belongsToBB('destroy_persistent')),
  },
  '#BB': { create_persistent: readCreate, destroy_persistent: readDestroy },
}

function read(directive: DirectiveLine, directives: Directives): void {
  const words = directive.text.split(/[ \t]+/).filter((word) => word !== '')
  const line = { ...directive, words }
  const [verb] = words
  const known = verbs[line.kind]
  if (verb === undefined) fail(line, messages.directiveMissing(Object.keys(known)))
  const reader = Object.hasOwn(known, verb) ? known[verb] : undefined
  if (!reader) fail(line, messages.unknownDirective(verb, Object.keys(known)))
  checkTabs(line, verb)
  reader(line, directives)
}

/** Slurm ends these values only at a blank: it would read 3TB with a tab after it as 3 bytes. */
function checkTabs(line: Line, verb: string): void {
  if (verb.startsWith('stage_')) return
  const keys = ['capacity', 'pool', 'name', ...(verb === 'create_persistent' ? ['access', 'access_mode', 'type'] : [])]
  for (const chunk of line.text.split(' ')) {
    for (const part of chunk.split('\t').slice(0, -1)) {
      const [key] = part.split('=', 1)
      if (part !== key && keys.includes(key!)) fail(line, messages.tabAfter(part))
    }
  }
}

function readJobdw(line: Line, directives: Directives): void {
  if (directives.jobdw) fail(line, messages.secondJobdw())
  const options = optionsOf(line, ['capacity', 'access_mode', 'type', 'pool'])
  checkType(line, options)
  const size = sized(line, options)
  if (size.bytes < minJobBytes && /^[0-9]+$/.test(options.get('capacity')!))
    fail(line, messages.capacityWithoutUnit(size.bytes))
  directives.jobdw = { ...size, access: accessOf(line, options.get('access_mode')), line: line.shown }
}

/** A smaller buffer is a mistake: Slurm turns `srun --bb="capacity=3.5TB"` into capacity=3. */
const minJobBytes = 1024 ** 2

function readSwap(line: Line, directives: Directives): void {
  if (directives.swap) fail(line, messages.secondSwap())
  const swap = parseSwap(line.words.slice(1))
  if ('refused' in swap) fail(line, swap.refused)
  directives.swap = { ...swap, line: line.shown }
}

/** Swap is placed on the job's own buffer. Checked after all lines were read, because they may come in any order. */
function checkPools({ jobdw, swap }: Directives): void {
  if (!jobdw || swap?.pool === undefined || swap.pool === jobdw.pool) return
  throw new Mistake(messages.inLine(swap.line, messages.swapInOtherPool()))
}

/** Checked after all lines were read, because they may come in any order. */
function checkNames({ uses, destroys }: Directives): void {
  const destroyed = new Set(destroys.map(({ name }) => name))
  const variables = new Map<string, string>()
  for (const { name, line } of uses) {
    if (destroyed.has(name)) throw new Mistake(messages.inLine(line, messages.usedAndDestroyed(name)))
    const variable = persistentVariable(name)
    const other = variables.get(variable)
    if (other === name) throw new Mistake(messages.inLine(line, messages.usedTwice(name)))
    if (other !== undefined) throw new Mistake(messages.inLine(line, messages.sameVariable(name, other, variable)))
    variables.set(variable, name)
  }
}

function readPersistentdw(line: Line, directives: Directives): void {
  const options = optionsOf(line, ['name'])
  directives.uses.push({ name: nameOf(line, options), line: line.shown })
}

function readCreate(line: Line, directives: Directives): void {
  const options = optionsOf(line, ['name', 'capacity', 'access', 'access_mode', 'pool', 'type', 'group'])
  if (directives.creates.length === maxCreates) fail(line, messages.tooManyCreates(maxCreates))
  if (options.has('access') && options.has('access_mode')) fail(line, messages.accessTwice())
  checkType(line, options)
  const problem = problemWithPersistentAccess(options.get('access') ?? options.get('access_mode') ?? 'striped')
  if (problem !== undefined) fail(line, problem)
  const group = options.get('group')
  if (group !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(group)) fail(line, messages.invalidGroup(group))
  const shared = group === undefined ? {} : { group }
  const name = nameOf(line, options)
  if (directives.creates.some((create) => create.name === name)) fail(line, messages.createdTwice(name))
  directives.creates.push({ name, ...sized(line, options), ...shared, line: line.shown })
}

function readDestroy(line: Line, directives: Directives): void {
  const hurry = line.words.includes('hurry')
  const options = optionsOf({ ...line, words: line.words.filter((word) => word !== 'hurry') }, ['name'])
  directives.destroys.push({ name: nameOf(line, options), hurry, line: line.shown })
}

function readStage(direction: StageDirection) {
  return (line: Line, directives: Directives): void => {
    if (directives.stages.length === maxStages) fail(line, messages.tooManyStages(maxStages))
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
  if (capacity === undefined) fail(line, messages.capacityMissing())
  const size = parseSize(capacity)
  if ('refused' in size) fail(line, size.refused)
  const pool = options.get('pool')
  if (pool !== undefined && !poolName.safeParse(pool).success) fail(line, messages.invalidPool(pool))
  return { bytes: size.bytes, ...(pool === undefined ? {} : { pool }) }
}

function nameOf(line: Line, options: Map<string, string>): string {
  const name = options.get('name')
  if (name === undefined) fail(line, messages.nameMissing())
  const problem = problemWithPersistentName(name)
  if (problem !== undefined) fail(line, problem)
  return name
}

function checkType(line: Line, options: Map<string, string>): void {
  const type = options.get('type')
  if (type === undefined || type === 'scratch') return
  const isOfDataWarp = type === 'cache' || type === 'swap'
  fail(line, isOfDataWarp ? messages.typeNotSupported(type) : messages.unknownType(type))
}

function accessOf(line: Line, text: string | undefined): Access {
  if (text === undefined) return { modes: ['striped'], clientCache: {} }
  const access = parseAccess(text)
  if ('refused' in access) fail(line, access.refused)
  return access
}

function fail(line: Line, problem: string): never {
  throw new Mistake(messages.inLine(line.shown, problem))
}

/** Every directive that this system reads, as `#DW jobdw`. */
export const directiveNames: readonly string[] = Object.entries(verbs).flatMap(([kind, readers]) =>
  Object.keys(readers).map((verb) => `${kind} ${verb}`),
)
