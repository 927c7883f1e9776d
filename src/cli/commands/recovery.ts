import { readFileSync, writeFileSync } from 'node:fs'
import type { RestoreView } from '../../model/api.js'
import { CallError } from '../client.js'
import type { Body } from '../../model/operations.js'
import { print, printJson } from '../output.js'
import { clientOf, type Command } from './command.js'

export const backup: Command<{ file: string }> = {
  command: 'backup <file>',
  describe: 'Write what people asked for (buffers, sessions, cordons) to a new file, for an etcd lost whole',
  builder: (yargs) =>
    yargs.positional('file', { type: 'string', demandOption: true, describe: 'a file not there yet' }),
  handler: async (argv) => {
    const made = await clientOf(argv).call('backUp')
    try {
      writeFileSync(argv.file, `${JSON.stringify(made, null, 2)}\n`, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      throw new CallError(`the backup cannot be written: ${(error as Error).message}`)
    }
    const view = countsOf(made)
    if (argv.json) printJson({ file: argv.file, ...view })
    else print(`${argv.file} holds ${sentence(view)}`)
  },
}

export const restore: Command<{ file: string }> = {
  command: 'restore <file>',
  describe: 'Bring a backup back into an empty etcd; one that broke off goes on when it is repeated',
  builder: (yargs) =>
    yargs.positional('file', { type: 'string', demandOption: true, describe: 'made by bbctl backup' }),
  handler: async (argv) => {
    const view = await clientOf(argv).call('restore', { body: read(argv.file) })
    if (argv.json) printJson(view)
    else print(`restored ${sentence(view)}; see bbctl status`)
  },
}

/** The scheduler checks what is in it. */
function read(file: string): Body<'restore'> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Body<'restore'>
  } catch (error) {
    throw new CallError(`${file} is no backup: ${(error as Error).message}`)
  }
}

function countsOf({
  buffers,
  sessions,
  cordons,
}: {
  buffers: object
  sessions: object
  cordons: object[]
}): RestoreView {
  return { buffers: Object.keys(buffers).length, sessions: Object.keys(sessions).length, cordons: cordons.length }
}

function sentence({ buffers, sessions, cordons }: RestoreView): string {
  return `${buffers} buffers, ${sessions} sessions, ${cordons} cordons`
}
