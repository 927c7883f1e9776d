import { readFileSync, writeFileSync } from 'node:fs'
import type { RestoreView } from '../../model/api.js'
import { CallError } from '../client.js'
import type { Body } from '../../model/operations.js'
import * as messages from '../messages.js'
import { print, printJson } from '../output.js'
import { clientOf, type Command } from './command.js'

export const backup: Command<{ file: string }> = {
  command: 'backup <file>',
  describe: 'Save buffers, sessions and cordons to a new file, in case the data of etcd is lost',
  builder: (yargs) =>
    yargs.positional('file', { type: 'string', demandOption: true, describe: 'a file that does not exist yet' }),
  handler: async (argv) => {
    const made = await clientOf(argv).call('backUp')
    try {
      writeFileSync(argv.file, `${JSON.stringify(made, null, 2)}\n`, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      throw new CallError(messages.backupNotWritten((error as Error).message))
    }
    const view = countsOf(made)
    if (argv.json) printJson({ file: argv.file, ...view })
    else print(messages.backedUp(argv.file, view))
  },
}

export const restore: Command<{ file: string }> = {
  command: 'restore <file>',
  describe: 'Restore a backup into an empty etcd; repeat the command if it was interrupted',
  builder: (yargs) =>
    yargs.positional('file', { type: 'string', demandOption: true, describe: 'a file that bbctl backup wrote' }),
  handler: async (argv) => {
    const view = await clientOf(argv).call('restore', { body: read(argv.file) })
    if (argv.json) printJson(view)
    else print(messages.restored(view))
  },
}

/** The scheduler checks the content. */
function read(file: string): Body<'restore'> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Body<'restore'>
  } catch (error) {
    throw new CallError(messages.notABackup(file, (error as Error).message))
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
