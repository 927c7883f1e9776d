#!/usr/bin/env node
import yargs from 'yargs'
import { defaultSocket } from './client.js'
import { adopt } from './commands/adopt.js'
import { check } from './commands/check.js'
import { create, destroy, show } from './commands/buffer.js'
import { cordon, uncordon } from './commands/cordon.js'
import { explain } from './commands/explain.js'
import { backup, restore } from './commands/recovery.js'
import { buffers, devices, hosts, status } from './commands/views.js'
import { transfer } from './commands/transfer.js'
import { watch } from './commands/watch.js'
import { namesFor } from './completion.js'
import * as messages from './messages.js'
import { print, printable } from './output.js'

const socket = process.env['BURSTBUFFER_SOCKET'] ?? defaultSocket

/** Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong. */
const cli = yargs(process.argv.slice(2))
  .scriptName('bbctl')
  .usage('$0 COMMAND\n\nShows and controls the burst buffers of this cluster.')
  .option('socket', { type: 'string', default: socket, describe: "the scheduler's unix socket" })
  .option('json', { type: 'boolean', default: false, describe: 'print JSON' })
  .command(status)
  .command(hosts)
  .command(devices)
  // The name of `devices` in the previous release.
  .command({ ...devices, command: 'bricks', describe: false })
  .command(buffers)
  .command(show)
  .command(explain)
  .command(create)
  .command(destroy)
  .command(cordon)
  .command(uncordon)
  .command(adopt)
  .command(transfer)
  .command(watch)
  .command(check)
  .command(backup)
  .command(restore)
  .completion('completion', 'Print a script for bash or zsh that completes commands and names')
  .demandCommand(1, messages.commandMissing())
  .recommendCommands()
  .strict()
  .version(false)
  .help()
  .fail((message, error) => {
    // yargs calls this for a mistake in the command line, and for an error that a command throws.
    if (error) return end(1, error.message)
    end(2, messages.seeHelp(message))
  })

function end(code: number, message: string): never {
  process.stderr.write(`bbctl: ${printable(message)}\n`)
  process.exit(code)
}

process.stdout.on('error', () => process.exit(0))
const names = await namesFor(process.argv.slice(2), socket)
if (names) print(names.join('\n'))
else await cli.parseAsync()
