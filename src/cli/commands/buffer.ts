import { execFileSync } from 'node:child_process'
import type { BufferDetail } from '../../model/api.js'
import { parseSize } from '../../model/capacity.js'
import { CallError, type Client } from '../client.js'
import { confirm } from '../confirm.js'
import * as messages from '../messages.js'
import { print, printable, printJson, printTable, size, time } from '../output.js'
import { clientOf, type Command } from './command.js'
import { printTransfers } from './transfer.js'

export const show: Command<{ name: string }> = {
  command: 'show <name>',
  describe: 'Show one buffer: phase, bricks, sessions, mounts, what it waits for, and its timeline',
  builder: (yargs) =>
    yargs.positional('name', { type: 'string', demandOption: true, describe: 'a job id or a persistent name' }),
  handler: async (argv) => {
    const detail = await clientOf(argv).call('showBuffer', { name: argv.name })
    if (argv.json) return printJson(detail)
    await printDetail(detail)
  },
}

export const create: Command<{
  name: string
  capacity: string
  pool: string | undefined
  user: string
  access: string
  group: string | undefined
  wait: boolean
}> = {
  command: 'create <name>',
  describe: 'Create a persistent buffer, and wait until it is ready',
  builder: (yargs) =>
    yargs
      .positional('name', {
        type: 'string',
        demandOption: true,
        describe: 'a letter, then letters, digits, "-", "_" or "."',
      })
      .option('capacity', { type: 'string', demandOption: true, describe: 'for example 3TB or 500GiB' })
      .option('pool', { type: 'string', describe: 'the default pool if it is not given' })
      .option('user', {
        type: 'string',
        default: String(process.getuid?.() ?? 0),
        describe: 'its owner, by name or number',
      })
      .option('access', { type: 'string', default: 'striped', describe: 'the access mode' })
      .option('group', { type: 'string', describe: 'share the buffer with this group, to which its owner must belong' })
      .option('wait', {
        type: 'boolean',
        default: true,
        describe: 'until it is ready; --no-wait returns when it is placed',
      }),
  handler: async (argv) => {
    const parsed = parseSize(argv.capacity)
    if ('refused' in parsed) throw new CallError(parsed.refused)
    const { name, pool, access, group } = argv
    const client = clientOf(argv)
    await client.call('createBuffer', {
      body: { name, bytes: parsed.bytes, uid: uidOf(argv.user), access, pool, group },
    })
    if (argv.wait) await follow(client, name, 'ready', argv.json)
    if (argv.json) printJson(await client.call('showBuffer', { name }))
    else print(argv.wait ? messages.bufferReady(name) : messages.bufferPlaced(name))
  },
}

export const destroy: Command<{ name: string; force: boolean; wait: boolean }> = {
  command: 'destroy <name>',
  describe: 'Delete a buffer and wipe its bricks; its data is lost',
  builder: (yargs) =>
    yargs
      .positional('name', { type: 'string', demandOption: true, describe: 'a job id or a persistent name' })
      .option('force', {
        type: 'boolean',
        default: false,
        describe: 'even if a job uses it, and without asking; a job loses its own buffer at once',
      })
      .option('wait', { type: 'boolean', default: true, describe: 'until it is gone; --no-wait returns at once' }),
  handler: async (argv) => {
    const client = clientOf(argv)
    await removeBuffer(client, argv.name, argv.force)
    if (argv.wait) await follow(client, argv.name, 'gone', argv.json)
    if (argv.json) printJson({ name: argv.name, gone: argv.wait })
    else print(argv.wait ? messages.bufferGone(argv.name) : messages.bufferBeingDeleted(argv.name))
  },
}

/** Asks on the terminal if jobs use the buffer. */
async function removeBuffer(client: Client, name: string, force: boolean): Promise<void> {
  try {
    await client.call('destroyBuffer', { name, query: force ? { force: 'true' } : {} })
  } catch (error) {
    if (!(error instanceof CallError) || !error.view?.usedBy) throw error
    await confirm(error.message, messages.destroyAnyway(), name, '--force')
    await removeBuffer(client, name, true)
  }
}

/** Waits until the buffer is ready or gone, and prints what it waits for when that changes. */
async function follow(client: Client, name: string, end: 'ready' | 'gone', quiet: boolean): Promise<void> {
  let said = ''
  for await (const detail of client.watch({ name })) {
    if ('status' in detail) continue
    if ('gone' in detail) {
      if (end === 'gone') return
      throw new CallError(messages.deletedMeanwhile(name))
    }
    if (end === 'ready' && detail.phase === 'ready') return
    if (detail.phase === 'failed') throw new CallError(messages.bufferFailed(name, detail.reason))
    if (end === 'gone' && detail.phase === 'wiping') {
      if (!quiet) process.stderr.write(`${printable(messages.devicesBeingWiped(detail.waitingFor))}\n`)
      return
    }
    if (end === 'gone' && detail.phase === 'blocked')
      throw new CallError(messages.bufferBlocked(name, detail.waitingFor))
    const words = messages.phaseAndWait(detail)
    if (!quiet && words !== said) process.stderr.write(`${printable(words)}\n`)
    said = words
  }
  throw new CallError(messages.watchEnded(name))
}

export async function printDetail(detail: BufferDetail): Promise<void> {
  const rows: [string, string][] = [
    ['name', detail.name],
    ['kind', detail.kind],
    ['phase', detail.reason === null ? detail.phase : `${detail.phase}: ${detail.reason}`],
    ['waits for', detail.waitingFor.join('; ') || '-'],
    [
      'owner',
      `uid ${detail.uid}, gid ${detail.gid}${detail.sharedGid === null ? '' : `, shared with gid ${detail.sharedGid}`}`,
    ],
    ['pool', detail.pool],
    ['size', `${size(detail.sizeBytes)} (${size(detail.requestedBytes)} requested), ${detail.bricks} bricks`],
    ['access', detail.access.join(',')],
    ['data plane', `${detail.dataPlane}${detail.tls ? ', with TLS' : ''}`],
    ['volume', `${detail.volume}${detail.volumeState === null ? '' : `, ${detail.volumeState}`}`],
    ['mount', detail.mountpoint ?? '-'],
    ['created', time(detail.createdAt)],
  ]
  for (const [name, value] of rows) print(`${name.padEnd(10)} ${printable(value)}`)
  print('')
  await printTable(
    ['host', 'device', 'brick', 'problem'],
    detail.brickList.map((brick) => [brick.host, brick.device, brick.state, brick.problem ?? '-']),
  )
  if (detail.sessions.length > 0) print('')
  await printTable(
    ['session', 'kind', 'stage', 'user', 'nodes'],
    detail.sessions.map((s) => [s.token, s.kind, s.stage, String(s.uid), s.computeHosts.join(',') || '-']),
  )
  if (detail.mounts.length > 0) print('')
  await printTable(
    ['mounted on', 'session', 'state', 'problem'],
    detail.mounts.map((m) => [m.host, m.token, m.state, m.problem ?? '-']),
  )
  await printTransfers(detail.transfers)
  if (detail.timeline.length > 0) print('')
  for (const event of detail.timeline) print(`${time(event.at)}  ${printable(event.text)}`)
}

function uidOf(user: string): number {
  if (/^[0-9]+$/.test(user)) return Number(user)
  try {
    return Number(execFileSync('getent', ['passwd', '--', user], { encoding: 'utf8' }).split(':')[2])
  } catch {
    throw new CallError(messages.noUser(printable(user)))
  }
}
