import { quote } from '../../model/names.js'

/** Every argument of SLURM.md's table, by its one name here; each with all the spellings that Slurm and people use. */
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
    if (!name)
      return {
        refused: `unknown argument ${quote(word)}: the arguments are ${[...named.keys(), '--hurry'].join(', ')}`,
      }
    const value = equals < 0 ? words[++index] : word.slice(equals + 1)
    if (value === undefined) return { refused: `the argument ${word} needs a value` }
    if (found[name] !== undefined && found[name] !== value) return { refused: `the argument ${word} is given twice` }
    found[name] = value
  }
  return found
}
