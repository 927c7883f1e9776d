import * as messages from './messages.js'
import { problemWithPersistentName } from './persistentName.js'

/** A path in a buffer is relative to the buffer's root, which is the empty path. */
export type StagePath =
  | { in: 'job' | 'private'; path: string }
  | { in: 'persistent'; name: string; path: string }
  | { in: 'outside'; path: string }

/** A node's own namespace of the job's buffer. */
export const privateVariable = 'DW_JOB_PRIVATE'

/** Linux opens no path, and no part of a path, that is longer. */
const maxPathBytes = 4_096
const maxPartBytes = 255

/**
 * A path as a stage directive or a line of a list writes it: absolute, or in a buffer behind its variable. `refused`: what
 * is wrong with it, in words for its user.
 */
export function parseStagePath(text: string): StagePath | { refused: string } {
  if (Buffer.byteLength(text) > maxPathBytes) return { refused: messages.pathTooLong(text, maxPathBytes) }
  if (!text.startsWith('$')) return outside(text)
  const [variable, behind] = splitVariable(text)
  if (variable === undefined) return { refused: messages.unknownVariable(text) }
  const rest = cleaned(behind)
  if ('refused' in rest) return rest
  if (variable === 'DW_JOB_STRIPED') return { in: 'job', path: rest.path }
  if (variable === privateVariable) return { in: 'private', path: rest.path }
  if (!variable.startsWith(persistentPrefix)) return { refused: messages.unknownVariable(text) }
  const name = variable.slice(persistentPrefix.length)
  const problem = problemWithPersistentName(name)
  return problem === undefined ? { in: 'persistent', name, path: rest.path } : { refused: problem }
}

/** `${NAME}x`, `$NAME/x` or `$NAME`, as a shell would read them. */
function splitVariable(text: string): [variable: string, behind: string] | [undefined] {
  const braced = /^\$\{([A-Za-z0-9_-]+)\}/.exec(text)
  const found = braced ?? /^\$([A-Za-z0-9_-]+)(?=\/|$)/.exec(text)
  return found ? [found[1]!, text.slice(found[0].length)] : [undefined]
}

const persistentPrefix = 'DW_PERSISTENT_STRIPED_'

/**
 * The variable of a persistent buffer, without `$`: `_` stands where the name has what a shell does not take in a
 * variable. Two names may have one variable.
 */
export function persistentVariable(name: string): string {
  return `${persistentPrefix}${name.replace(/[^A-Za-z0-9_]/g, '_')}`
}

/** The variable that a path in a buffer begins with, without `$`. */
export function variableOf(path: Exclude<StagePath, { in: 'outside' }>): string {
  if (path.in === 'persistent') return persistentVariable(path.name)
  return path.in === 'private' ? privateVariable : 'DW_JOB_STRIPED'
}

function outside(text: string): StagePath | { refused: string } {
  if (!text.startsWith('/')) return { refused: messages.pathNotAbsolute(text) }
  const rest = cleaned(text)
  return 'refused' in rest ? rest : { in: 'outside', path: `/${rest.path}` }
}

/** Without superfluous slashes. A path that could leave its place, or mean something else to Slurm or a shell, is refused. */
function cleaned(path: string): { path: string } | { refused: string } {
  if (path.includes('$')) return { refused: messages.unknownVariable(path) }
  if (/[\p{Cc}\\]/u.test(path)) return { refused: messages.pathWithBackslash(path) }
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.some((part) => part === '.' || part === '..')) return { refused: messages.pathWithDots(path) }
  const long = parts.find((part) => Buffer.byteLength(part) > maxPartBytes)
  if (long !== undefined) return { refused: messages.partTooLong(long, maxPartBytes) }
  return { path: parts.join('/') }
}
