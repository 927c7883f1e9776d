#!/usr/bin/env node
import yargs from 'yargs'
import type { BufferView, DeviceView } from '../model/api.js'
import { CallError, defaultSocket, openClient } from './client.js'
import { check } from './commands/check.js'
import { create, destroy, show } from './commands/buffer.js'
import { adopt, cordon, uncordon } from './commands/care.js'
import { backup, restore } from './commands/recovery.js'
import { bricks, buffers, hosts, status } from './commands/views.js'
import { transfer } from './commands/transfer.js'
import { watch } from './commands/watch.js'

const socket = process.env['BURSTBUFFER_SOCKET'] ?? defaultSocket

/** Exit codes: 0 done, 1 refused or failed, 2 the command line is wrong. */
const cli = yargs(process.argv.slice(2))
  .scriptName('bbctl')
  .usage('$0 COMMAND\n\nLooks at and steers the burst buffers of this cluster.')
  .option('socket', { type: 'string', default: socket, describe: "the scheduler's unix socket" })
  .option('json', { type: 'boolean', default: false, describe: 'output for programs' })
  .command(status)
  .command(hosts)
  .command(bricks)
  .command(buffers)
  .command(show)
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
  .completion('completion', 'Print a script for bash or zsh that completes commands and names', complete)
  .demandCommand(1, 'name a command')
  .recommendCommands()
  .strict()
  .version(false)
  .help()
  .fail((message, error) => {
    // yargs calls this for its own findings, and for what a command throws.
    if (error instanceof CallError) return end(1, error.message)
    if (error) return end(1, error.message)
    end(2, `${message}; see bbctl --help`)
  })

/** Commands and flags by yargs; names of buffers, hosts and devices from the scheduler, when it answers. */
async function complete(
  _current: string,
  argv: unknown,
  defaults: (fn: (error: Error | null, words: string[] | undefined) => void) => void,
  done: (words: string[]) => void,
): Promise<void> {
  const words = (argv as { _: (string | number)[] })._.map(String)
  const command = words[words[0] === 'bbctl' ? 1 : 0]
  const client = openClient(socket)
  try {
    if (['show', 'destroy', 'watch'].includes(command ?? '')) {
      return done((await client.get<BufferView[]>('/v1/buffers')).map(({ name }) => name))
    }
    if (['cordon', 'uncordon', 'adopt'].includes(command ?? '')) {
      const devices = await client.get<DeviceView[]>('/v1/bricks')
      return done([
        ...new Set(devices.map(({ host }) => host)),
        ...devices.map(({ host, device }) => `${host}/${device}`),
      ])
    }
  } catch {
    // Completion stays silent when there is no scheduler to ask.
  }
  defaults((_error, found) => done(found ?? []))
}

function end(code: number, message: string): never {
  process.stderr.write(`bbctl: ${message}\n`)
  process.exit(code)
}

process.stdout.on('error', () => process.exit(0))
await cli.parseAsync()
