import { dirname, join } from 'node:path'
import type { SessionTransfer } from '../../../model/documents/session.js'
import { persistentVariable, privateVariable, type StagePath, variableOf } from '../../../model/stagePath.js'
import { isPrivate, maxTransferBytes } from '../../../model/transfers.js'
import type { Directives } from './directivesType.js'
import * as messages from './messages.js'
import type { Stage } from './stageDirectives.js'

type ScriptRequest = Pick<Directives, 'jobdw' | 'uses' | 'stages' | 'outputDirectory'>

/** Names a line whose buffer the job does not have, and says what to write; undefined when all have one. */
export function problemWithStages(asked: ScriptRequest): string | undefined {
  for (const stage of asked.stages) {
    const found = bufferOf(asked, stage)
    if ('refused' in found) return messages.inLine(stage.line, found.refused)
  }
  return undefined
}

/** The lines at their longest; what Slurm inserts for its symbols is not counted. */
export function problemWithLength(asked: ScriptRequest): string | undefined {
  const context = { token: '9'.repeat(18), isServed: () => true }
  if (JSON.stringify(transfersFrom(asked, context)).length <= maxTransferBytes) return undefined
  return messages.stageDirectivesTooLong(maxTransferBytes)
}

/** Every path outside the buffers that a line names, with its key. */
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

/** The lines as the job's session keeps them, none begun. If one stages in for each node, the fan-out is added at the end. */
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

/** The buffers of the lines were checked when the script was read. */
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

/** The buffer on one side of the directive, by name if it is persistent, without a name if it is the job's own; and its variable. */
function bufferOf(
  { jobdw, uses }: ScriptRequest,
  { source, destination }: Stage,
): { name?: string; variable: string } | { refused: string } {
  const path = [source, destination].find((side) => side !== undefined && side.in !== 'outside')
  if (path?.in === 'persistent') {
    const variable = variableOf(path)
    const use = uses.find(({ name }) => persistentVariable(name) === variable)
    if (use) return { name: use.name, variable }
    return { refused: messages.bufferNotUsed(path.name) }
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
    return { refused: use ? messages.ambiguousBuffer() : messages.noBuffer() }
  }
  if (!jobdw) return { refused: messages.noOwnBuffer(variableOf(path), mode) }
  return { refused: messages.modeMissing(variableOf(path), mode === 'private' ? 'striped' : 'private') }
}

function sideOf(source: StagePath): 'inside' | 'outside' {
  return source.in === 'outside' ? 'outside' : 'inside'
}

/** In the folder of the job's output if the script names one, else in the folder of the copied path. */
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
