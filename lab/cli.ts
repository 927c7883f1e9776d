import { spawnSync } from 'node:child_process'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { Lab } from './namespaces/cluster.js'
import { ComposeCluster } from './containers/compose.js'
import { composeSite, labSite } from './common/hosts.js'
import type { OperatedCluster } from './common/interface.js'
import { labIsDown, labNotUp } from './common/messages.js'

/* The lab's command line: npm run lab -- up | down | status | shell HOST | exec HOST -- COMMAND | cut | heal | kill | start HOST */

const names = [...new Set([...labSite.hosts, ...composeSite.hosts].map((host) => host.name))]
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
    .option('id', { type: 'string', default: 'demo', describe: 'the id of the lab, if there are several' })
    .option('docker', { type: 'boolean', default: false, describe: 'use the cluster in containers' })
    .command('up', 'start a cluster on this machine, and keep it', {}, (argv) => up(lab(argv)))
    .command('down', 'stop the cluster and remove everything that it made', {}, (argv) => lab(argv).down())
    .command('status', 'show the hosts and services', {}, (argv) => status(lab(argv)))
    .command(
      'shell <host>',
      'open a root shell in a host',
      (y) => y.positional('host', host),
      (argv) => enter(lab(argv), argv.host, ['bash']),
    )
    .command(
      'exec <host> [command..]',
      'run a command in a host: exec head -- sinfo',
      (y) => y.positional('host', host),
      async (argv) => {
        const command = [
          ...((argv['command'] as string[] | undefined) ?? []),
          ...((argv['--'] as string[] | undefined) ?? []),
        ]
        if (command.length === 0) throw new Error('exec needs a command: exec head -- sinfo')
        await enter(lab(argv), argv.host, command.map(String))
      },
    )
    .command(
      'cut <host>',
      'disconnect the network of a host',
      (y) => y.positional('host', host),
      (argv) => lab(argv).cut(argv.host),
    )
    .command(
      'heal <host>',
      'connect the network of a host again',
      (y) => y.positional('host', host),
      (argv) => lab(argv).heal(argv.host),
    )
    .command(
      'kill <host>',
      'cut the power of a host',
      (y) => y.positional('host', host),
      (argv) => lab(argv).kill(argv.host),
    )
    .command(
      'start <host>',
      'turn a host on again',
      (y) => y.positional('host', host),
      (argv) => lab(argv).start(argv.host),
    )
    .parserConfiguration({ 'populate--': true })
    .demandCommand(1, 'a command is missing')
    .strict()
    .fail((message, error) => {
      throw error ?? new Error(`${message}; see npm run lab -- --help`)
    })
    .parseAsync()
}

function lab(argv: object): OperatedCluster {
  const { id, docker } = argv as { id: unknown; docker: unknown }
  const options = { id: String(id), say: (line: string) => console.log(line) }
  return docker ? new ComposeCluster(options) : new Lab(options)
}

async function up(cluster: OperatedCluster): Promise<void> {
  try {
    await cluster.up()
    cluster.keep()
  } catch (error) {
    if (cluster.isMine()) console.error(`lab: the logs are in ${await cluster.saveLogs()}`)
    if (cluster.isMine()) await cluster.down()
    throw error
  }
}

async function status(cluster: OperatedCluster): Promise<void> {
  if (!(await cluster.isUp())) return console.log(labIsDown())
  for (const { name, address, services } of cluster.hosts) {
    const { isOn, isCut, running } = await cluster.state(name)
    const states = services.map((service) => `${service} ${running.includes(service) ? 'running' : 'STOPPED'}`)
    const seen = isOn ? `${(isCut ? 'cut off' : 'on').padEnd(8)} ${states.join(', ')}` : 'off'
    console.log(`${name.padEnd(10)} ${address.padEnd(12)} ${seen}`)
  }
}

async function enter(cluster: OperatedCluster, host: string, command: string[]): Promise<void> {
  if (!(await cluster.isUp())) throw new Error(labNotUp())
  const [program, ...args] = await cluster.shell(host, command)
  const { status } = spawnSync(program!, args, { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
