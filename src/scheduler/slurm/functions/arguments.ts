import { parseSize } from '../../../model/capacity.js'
import * as messages from './messages.js'
import { SlurmFailure } from './slurmFailure.js'

/** Every argument of SLURM.md's table by its name here, with all the spellings that Slurm and people use. */
const spellings = {
  function: ['--function'],
  caller: ['--caller', '-c'],
  token: ['--token', '-t'],
  user: ['--user', '-u'],
  group: ['--groupid', '--group', '-g'],
  capacity: ['--capacity', '-C'],
  access: ['--access', '-a'],
  type: ['--type', '-T'],
  job: ['--job', '-j'],
  nodeFile: ['--nodehostnamefile', '--nidlistfile'],
  executionNodeFile: ['--jobexecutionnodefile'],
  pathFile: ['--pathfile', '-p'],
} as const
const flags = { hurry: ['--hurry'] } as const

export type Argument = keyof typeof spellings
export type Arguments = Partial<Record<Argument, string>> & { hurry: boolean }

const named = new Map<string, Argument>(
  (Object.entries(spellings) as [Argument, readonly string[]][]).flatMap(([name, words]) =>
    words.map((word) => [word, name]),
  ),
)

/** `--name value`, `--name=value` and `-n value`, in any order. */
export function parseArguments(words: readonly string[]): Arguments | { refused: string } {
  const found: Arguments = { hurry: false }
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    if ((flags.hurry as readonly string[]).includes(word)) {
      found.hurry = true
      continue
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    const name = named.get(equals < 0 ? word : word.slice(0, equals))
    if (!name) return { refused: messages.unknownArgument(word, [...named.keys(), ...flags.hurry]) }
    const value = equals < 0 ? words[++index] : word.slice(equals + 1)
    if (value === undefined) return { refused: messages.argumentWithoutValue(word) }
    if (found[name] !== undefined && found[name] !== value) return { refused: messages.argumentTwice(word) }
    found[name] = value
  }
  return found
}

export function need(given: Arguments, name: Argument): string {
  const value = given[name]
  if (value === undefined || value === '') throw new SlurmFailure(messages.argumentMissing(name, given.function))
  return value
}

export function number(given: Arguments, name: 'user' | 'group'): number {
  const text = need(given, name)
  if (!/^[0-9]{1,10}$/.test(text)) throw new SlurmFailure(messages.notANumber(name, text))
  return Number(text)
}

/** `POOL:SIZE`; the pool may be left out. */
export function capacity(given: Arguments): { pool: string | undefined; bytes: number } {
  const text = need(given, 'capacity')
  const colon = text.indexOf(':')
  const pool = colon > 0 ? text.slice(0, colon) : undefined
  const size = text.slice(colon + 1)
  if (size === '0') return { pool, bytes: 0 }
  const parsed = parseSize(size)
  if ('refused' in parsed) throw new SlurmFailure(parsed.refused)
  return { pool, bytes: parsed.bytes }
}
