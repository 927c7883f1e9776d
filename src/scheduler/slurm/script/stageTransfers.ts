import { dirname, join } from 'node:path'
import type { SessionTransfer } from '../../../model/documents/session.js'
import { quote } from '../../../model/names.js'
import { persistentVariable, privateVariable, type StagePath, variableOf } from '../../../model/stagePath.js'
import { isPrivate, maxTransferBytes } from '../../../model/transfers.js'
import type { Directives } from './directivesType.js'
import type { Stage } from './stageDirectives.js'

type ScriptRequest = Pick<Directives, 'jobdw' | 'uses' | 'stages' | 'outputDirectory'>

/** The line that names a buffer which the job does not have, and what to write. */
export function problemWithStages(asked: ScriptRequest): string | undefined {
  for (const stage of asked.stages) {
    const found = bufferOf(asked, stage)
    if ('refused' in found) return `${stage.line}: ${found.refused}`
  }
  return undefined
}

/** As long as the lines of a job can become; what Slurm puts in the place of its symbols is not counted. */
export function problemWithLength(asked: ScriptRequest): string | undefined {
  const context = { token: '9'.repeat(18), isServed: () => true }
  if (JSON.stringify(transfersFrom(asked, context)).length <= maxTransferBytes) return undefined
  return `the stage lines are longer than ${maxTransferBytes / 1024} KiB together: write them to a file, and stage type=list`
}

/** Every path outside the buffers that a line names, with the key it stands behind. */
export function outsidePaths({ source, destination }: Stage): { key: 'source' | 'destination'; path: string }[] {
  return [
    ...(source.in === 'outside' ? [{ key: 'source', path: source.path } as const] : []),
    ...(destination?.in === 'outside' ? [{ key: 'destination', path: destination.path } as const] : []),
  ]
}

export interface TransferContext {
  /** The job's id. */
  token: string
  /** Whether storage hosts write there. */
  isServed(path: string): boolean
}

/** The lines as the job's session keeps them, none of them begun, and the fan-out behind them where one brings in for each node. */
export function transfersFrom(asked: ScriptRequest, context: TransferContext): SessionTransfer[] {
  const lines = requestedTransfers(asked, context)
  const staged = lines.filter((line) => line.direction === 'in' && isPrivate(line))
  const [first] = staged
  if (!first) return lines
  const number = lines.length + 1
  const report = reportPath(asked, asked.stages[first.number - 1]!, number, context)
  const fanOut: SessionTransfer = {
    number,
    direction: 'fill',
    type: 'directory',
    buffer: first.buffer,
    variable: privateVariable,
    inside: '',
    verify: staged.some(({ verify }) => verify),
    ...(report === undefined ? {} : { report }),
    attempt: 1,
  }
  return [...lines, fanOut]
}

/** Their buffers were checked when they were read. */
function requestedTransfers(asked: ScriptRequest, context: TransferContext): SessionTransfer[] {
  return asked.stages.map((stage, index): SessionTransfer => {
    const found = bufferOf(asked, stage)
    if ('refused' in found) throw new Error(found.refused)
    const { direction, type, source, destination, verify } = stage
    const [inside, outside] = direction === 'in' ? [destination, source] : [source, destination]
    const list = type === 'list' ? { list: { side: sideOf(source), path: source.path } } : {}
    const away = type === 'list' && direction === 'in' ? undefined : outside
    const report = reportPath(asked, stage, index + 1, context)
    return {
      number: index + 1,
      direction,
      type,
      buffer: found.name ?? context.token,
      variable: found.variable,
      inside: type === 'list' && direction === 'out' ? '' : (inside?.path ?? ''),
      ...(away === undefined ? {} : { outside: away.path }),
      ...list,
      verify,
      ...(report === undefined ? {} : { report }),
      attempt: 1,
    }
  })
}

/** The buffer on one side of the line: a persistent one by its name, or the job's own; and the variable of its namespace. */
function bufferOf(
  { jobdw, uses }: ScriptRequest,
  { source, destination }: Stage,
): { name?: string; variable: string } | { refused: string } {
  const path = [source, destination].find((side) => side !== undefined && side.in !== 'outside')
  if (path?.in === 'persistent') {
    const variable = variableOf(path)
    const use = uses.find(({ name }) => persistentVariable(name) === variable)
    if (use) return { name: use.name, variable }
    return {
      refused: `names the persistent buffer ${quote(path.name)}, which the job does not use: add #DW persistentdw name=${path.name}`,
    }
  }
  const modes = jobdw?.access.modes ?? []
  const mode = path?.in === 'private' ? 'private' : 'striped'
  if (modes.includes(mode)) return { variable: variableOf(path ?? { in: 'job', path: '' }) }
  if (path === undefined) {
    const [use] = uses
    if (use && !jobdw && uses.length === 1) {
      return { name: use.name, variable: variableOf({ in: 'persistent', name: use.name, path: '' }) }
    }
    if (jobdw && !use) return { variable: privateVariable }
    return {
      refused: `names no buffer, and the job has ${use ? 'several' : 'none'}: write a destination= or a source= in the one that is meant`,
    }
  }
  const named = `names ${variableOf(path)}`
  if (!jobdw) {
    const asking = mode === 'private' ? 'access_mode=private capacity=…' : 'capacity=…'
    return { refused: `${named}, and the job asks for no buffer: add #DW jobdw ${asking}` }
  }
  const other = mode === 'private' ? 'striped' : 'private'
  return { refused: `${named}, and the buffer is ${other} alone: write access_mode=striped,private` }
}

function sideOf(source: StagePath): 'inside' | 'outside' {
  return source.in === 'outside' ? 'outside' : 'inside'
}

/** Beside the job's output if the script says where that is, else beside what is copied. */
function reportPath(
  { outputDirectory }: ScriptRequest,
  stage: Stage,
  number: number,
  context: TransferContext,
): string | undefined {
  const [beside] = outsidePaths(stage)
  const folders = [outputDirectory, beside && dirname(beside.path)]
  const folder = folders.find((path) => path !== undefined && context.isServed(path))
  const name = `burstbuffer-${context.token}-stage-${stage.direction}-${number}.failed`
  return folder === undefined ? undefined : join(folder, name)
}
