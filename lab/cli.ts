import { spawnSync } from 'node:child_process'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { Lab } from './namespaces/cluster.js'
import { ComposeCluster } from './containers/compose.js'
import { composeSite, labSite } from './common/hosts.js'
import type { OperatedCluster } from './common/interface.js'

/* The lab's own door: npm run lab -- up | down | status | shell HOST | exec HOST -- COMMAND | cut | heal | kill | start HOST */

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
    .option('id', { type: 'string', default: 'demo', describe: 'which lab, when several are up' })
    .option('docker', { type: 'boolean', default: false, describe: 'the cluster in containers' })
    .command('up', 'start a whole cluster on this machine, and keep it', {}, (argv) => up(lab(argv)))
    .command('down', 'stop it and remove everything that it made', {}, (argv) => lab(argv).down())
    .command('status', 'show its hosts and services', {}, (argv) => status(lab(argv)))
    .command(
      'shell <host>',
      'enter a host',
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
      "pull a host's network cable",
      (y) => y.positional('host', host),
      (argv) => lab(argv).cut(argv.host),
    )
    .command(
      'heal <host>',
      'plug it in again',
      (y) => y.positional('host', host),
      (argv) => lab(argv).heal(argv.host),
    )
    .command(
      'kill <host>',
      "pull a host's plug",
      (y) => y.positional('host', host),
      (argv) => lab(argv).kill(argv.host),
    )
    .command(
      'start <host>',
      'turn it on again',
      (y) => y.positional('host', host),
      (argv) => lab(argv).start(argv.host),
    )
    .parserConfiguration({ 'populate--': true })
    .demandCommand(1, 'say what to do')
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
    if (cluster.isMine()) console.error(`lab: its logs are in ${await cluster.saveLogs()}`)
    if (cluster.isMine()) await cluster.down()
    throw error
  }
}

async function status(cluster: OperatedCluster): Promise<void> {
  if (!(await cluster.isUp())) return console.log('the lab is down')
  for (const { name, address, services } of cluster.hosts) {
    const { isOn, isCut, running } = await cluster.state(name)
    const states = services.map((service) => `${service} ${running.includes(service) ? 'runs' : 'IS STOPPED'}`)
    const seen = isOn ? `${(isCut ? 'cut off' : 'on').padEnd(8)} ${states.join(', ')}` : 'off'
    console.log(`${name.padEnd(10)} ${address.padEnd(12)} ${seen}`)
  }
}

async function enter(cluster: OperatedCluster, host: string, command: string[]): Promise<void> {
  if (!(await cluster.isUp())) throw new Error('the lab is not up: npm run lab -- up')
  const [program, ...args] = await cluster.shell(host, command)
  const { status } = spawnSync(program!, args, { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
