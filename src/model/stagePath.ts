import { problemWithPersistentName, quote } from './names.js'

/** A path in a buffer is relative to the buffer's root, which is the empty path. */
export type StagePath =
  | { in: 'job' | 'private'; path: string }
  | { in: 'persistent'; name: string; path: string }
  | { in: 'outside'; path: string }

/** A node's own namespace of the job's buffer. */
export const privateVariable = 'DW_JOB_PRIVATE'

/** A path as a stage line or a list's line writes it. */
export function parseStagePath(text: string): StagePath | { refused: string } {
  if (!text.startsWith('$')) return outside(text)
  const matched = /^\$(?:\{([A-Za-z0-9_-]+)\}\/*|([A-Za-z0-9_-]+)(?:\/+|$))(.*)$/s.exec(text)
  const variable = matched?.[1] ?? matched?.[2]
  if (!matched || variable === undefined) return { refused: unknownVariable(text) }
  const rest = cleaned(matched[3]!)
  if ('refused' in rest) return rest
  if (variable === 'DW_JOB_STRIPED') return { in: 'job', path: rest.path }
  if (variable === privateVariable) return { in: 'private', path: rest.path }
  const name = /^DW_PERSISTENT_STRIPED_(.+)$/.exec(variable)?.[1]
  if (name === undefined) return { refused: unknownVariable(text) }
  const problem = problemWithPersistentName(name)
  return problem === undefined ? { in: 'persistent', name, path: rest.path } : { refused: problem }
}

/** The variable that a path in a buffer begins with. */
export function variableOf(path: Exclude<StagePath, { in: 'outside' }>): string {
  if (path.in === 'persistent') return `DW_PERSISTENT_STRIPED_${path.name}`
  return path.in === 'private' ? privateVariable : 'DW_JOB_STRIPED'
}

function outside(text: string): StagePath | { refused: string } {
  if (!text.startsWith('/')) return { refused: `${quote(text)} is no absolute path: begin it with /` }
  const rest = cleaned(text)
  return 'refused' in rest ? rest : { in: 'outside', path: `/${rest.path}` }
}

/** Without slashes that say nothing. What could leave its place, or mean something else to Slurm or a shell, is refused. */
function cleaned(path: string): { path: string } | { refused: string } {
  if (path.includes('$')) return { refused: unknownVariable(path) }
  if (/[\p{Cc}\\]/u.test(path)) {
    return { refused: `${quote(path)} holds a backslash or a control character: such paths cannot be staged` }
  }
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.some((part) => part === '.' || part === '..')) {
    return { refused: `${quote(path)} holds "." or "..": write the path out` }
  }
  return { path: parts.join('/') }
}

function unknownVariable(text: string): string {
  return `${quote(text)} holds an unknown variable: $DW_JOB_STRIPED/, $DW_JOB_PRIVATE/ and $DW_PERSISTENT_STRIPED_<name>/ exist, at the beginning`
}
