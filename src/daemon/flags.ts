import { parseArgs } from 'node:util'
import { ConfigError } from './configFile.js'

/** Reads a daemon's options, each with a value. `--help` prints the usage and ends the process. Throws ConfigError for an unknown option. */
export function parseFlags<Name extends string>(
  argv: string[],
  names: readonly Name[],
  usage: string,
): Partial<Record<Name, string>> {
  try {
    const texts = Object.fromEntries(names.map((name) => [name, { type: 'string' } as const]))
    const { help, ...values } = parseArgs({ args: argv, options: { ...texts, help: { type: 'boolean' } } }).values
    if (help === true) {
      process.stdout.write(usage)
      process.exit(0)
    }
    return values as Partial<Record<Name, string>>
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}\n\n${usage}`, { cause })
  }
}
