import { readFileSync } from 'node:fs'
import { parse, YAMLParseError } from 'yaml'
import type { ZodType } from 'zod'

/** The message names the file, and for each wrong key its name, what was found and what was expected. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** Reads a YAML file and checks it against a schema that refuses unknown keys. Throws ConfigError. */
export function readConfigFile<T>(path: string, schema: ZodType<T>): T {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ConfigError(`${path}: cannot be read: ${(cause as Error).message}`, { cause })
  }
  return parseConfig(path, text, schema)
}

export function parseConfig<T>(path: string, text: string, schema: ZodType<T>): T {
  let value: unknown
  try {
    value = parse(text)
  } catch (cause) {
    const where = cause instanceof YAMLParseError && cause.linePos ? ` line ${cause.linePos[0].line}` : ''
    throw new ConfigError(`${path}${where}: not valid YAML: ${(cause as Error).message.split('\n')[0]}`, { cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys')
      return `${path}: unknown ${[...issue.path, issue.keys.join(', ')].join('.')}`
    return `${path}: ${issue.path.join('.') || 'the file'}: ${issue.message}, found ${shown(valueAt(value, issue.path))}`
  })
  throw new ConfigError(problems.join('\n'))
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined | null)?.[key], value)
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
