import { spawnSync } from 'node:child_process'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { Lab } from './cluster.js'
import { hosts } from './hosts.js'

/* The lab's own door: npm run lab -- up | down | status | shell HOST | exec HOST -- COMMAND | cut | heal | kill | start HOST */

const names = hosts.map((host) => host.name)
const host = { describe: names.join(', '), choices: names, demandOption: true, type: 'string' } as const

try {
  await parse()
} catch (error) {
  console.error(`lab: ${(error as Error).message}`)
  process.exitCode = 1
}

async function parse(): Promise<void> {
  await yargs(hideBin(process.argv))
    .scriptName('npm run lab --')
    .option('id', { type: 'string', default: 'demo', describe: 'which lab, when several are up' })
    .command('up', 'start a whole cluster on this machine, and keep it', {}, ({ id }) => up(id as string))
    .command('down', 'stop it and remove everything that it made', {}, ({ id }) => lab(id).down())
    .command('status', 'show its hosts and services', {}, ({ id }) => status(lab(id)))
    .command(
      'shell <host>',
      'enter a host',
      (y) => y.positional('host', host),
      ({ id, host }) => {
        enter(lab(id), host, ['bash'])
      },
    )
    .command(
      'exec <host> [command..]',
      'run a command in a host: exec head -- sinfo',
      (y) => y.positional('host', host),
      (argv) => {
        const command = [
          ...((argv['command'] as string[] | undefined) ?? []),
          ...((argv['--'] as string[] | undefined) ?? []),
        ]
        if (command.length === 0) throw new Error('exec needs a command: exec head -- sinfo')
        enter(lab(argv['id']), argv.host, command.map(String))
      },
    )
    .command(
      'cut <host>',
      "pull a host's network cable",
      (y) => y.positional('host', host),
      ({ id, host }) => lab(id).cut(host),
    )
    .command(
      'heal <host>',
      'plug it in again',
      (y) => y.positional('host', host),
      ({ id, host }) => lab(id).heal(host),
    )
    .command(
      'kill <host>',
      "pull a host's plug",
      (y) => y.positional('host', host),
      ({ id, host }) => lab(id).kill(host),
    )
    .command(
      'start <host>',
      'turn it on again',
      (y) => y.positional('host', host),
      ({ id, host }) => lab(id).start(host),
    )
    .parserConfiguration({ 'populate--': true })
    .demandCommand(1, 'say what to do')
    .strict()
    .fail((message, error) => {
      throw error ?? new Error(`${message}; see npm run lab -- --help`)
    })
    .parseAsync()
}

function lab(id: unknown): Lab {
  return new Lab({ id: String(id), say: (line) => console.log(line) })
}

async function up(id: string): Promise<void> {
  const cluster = lab(id)
  try {
    await cluster.up()
    cluster.keep()
  } catch (error) {
    if (cluster.isMine()) console.error(`lab: its logs are in ${cluster.saveLogs()}`)
    if (cluster.isMine()) await cluster.down()
    throw error
  }
}

async function status(cluster: Lab): Promise<void> {
  if (!cluster.isUp()) return console.log('the lab is down')
  for (const { name, address, services } of cluster.hosts) {
    const host = cluster.host(name)
    if (!host.isOn()) {
      console.log(`${name.padEnd(10)} ${address.padEnd(12)} off`)
      continue
    }
    const states = await Promise.all(
      services.map(async (service) => `${service} ${(await host.isRunning(service)) ? 'runs' : 'IS STOPPED'}`),
    )
    const cable = (await cluster.isCut(name)) ? 'cut off' : 'on'
    console.log(`${name.padEnd(10)} ${address.padEnd(12)} ${cable.padEnd(8)} ${states.join(', ')}`)
  }
}

function enter(cluster: Lab, host: string, command: string[]): void {
  if (!cluster.isUp()) throw new Error('the lab is not up: npm run lab -- up')
  const [program, ...args] = cluster.host(host).shell(command)
  const { status } = spawnSync(program!, args, { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
