import yargs from 'yargs'
import { Refusal } from '../agent/port/host.js'
import { isDestructive, type StepKind } from '../agent/port/steps.js'
import { type Shape, usualShape } from './cluster.js'
import type { Fault } from '../simulated/pace.js'

export interface StandaloneOptions {
  /** etcd's URL; undefined: one of our own. */
  etcd: string | undefined
  shape: Shape
  faults: Fault[]
}

const steps = Object.keys(isDestructive) as StepKind[]

/** Throws with a message for the user. */
export async function readOptions(argv: string[]): Promise<StandaloneOptions> {
  const given = await yargs(argv)
    .scriptName('npm run standalone --')
    .usage(
      '$0\n\nScheduler, simulated hosts and an etcd on this machine, without root. Nothing on its disks is touched.',
    )
    .option('etcd', { type: 'string', describe: 'URL of an etcd to use instead of one of its own' })
    .option('hosts', { type: 'number', describe: 'storage hosts, instead of the usual three with 20 devices' })
    .option('devices', { type: 'number', default: 7, describe: 'devices of each, with --hosts' })
    .option('compute', { type: 'number', default: usualShape.computeHosts, describe: 'compute hosts' })
    .option('fail', { type: 'string', array: true, default: [], describe: 'STEP[@HOST[/DEVICE]][:TIMES] fails' })
    .option('slow', { type: 'string', array: true, default: [], describe: 'STEP[@HOST[/DEVICE]]=MS takes longer' })
    .epilogue(`Steps: ${steps.join(', ')}.`)
    .version(false)
    .strict()
    .help()
    .exitProcess(true)
    .parseAsync()
  for (const name of ['hosts', 'devices', 'compute'] as const) {
    const count = given[name]
    if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= 1000))
      throw new Error(`--${name} is a number from 1 to 1000, not ${count}`)
  }
  if (given.etcd !== undefined && !/^https?:\/\/[^/]+$/.test(given.etcd))
    throw new Error(`--etcd is a URL as in http://head:2379, not ${given.etcd}`)
  return {
    etcd: given.etcd,
    shape: {
      ...usualShape,
      computeHosts: given.compute,
      ...(given.hosts === undefined ? {} : { storage: storageHosts(given.hosts, given.devices) }),
    },
    faults: [...given.fail.map(parseFail), ...given.slow.map(parseSlow)],
  }
}

function storageHosts(hosts: number, devices: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: hosts }, (_, index) => [`gluster${index + 1}`, devices]))
}

/** `formatBrick@gluster1/nvme1n1:1`; a step that fails for ever is refused for good, one that fails n times is tried again. */
function parseFail(text: string): Fault {
  const [, place, times] = /^(.*?)(?::([0-9]+))?$/.exec(text)!
  const message = 'a simulated failure'
  if (times === undefined) return { ...parsePlace('--fail', place!), error: new Refusal(message) }
  return { ...parsePlace('--fail', place!), times: Number(times), error: new Error(message) }
}

function parseSlow(text: string): Fault {
  const matched = /^(.*)=([0-9]+)$/.exec(text)
  if (!matched) throw new Error(`--slow is STEP[@HOST[/DEVICE]]=MS, not ${text}`)
  return { ...parsePlace('--slow', matched[1]!), slowMs: Number(matched[2]) }
}

function parsePlace(flag: string, text: string): Fault {
  const [step, where] = text.split('@') as [string, string | undefined]
  if (!(steps as string[]).includes(step)) throw new Error(`${flag}: there is no step ${step}: ${steps.join(', ')}`)
  const [host, device] = where?.split('/') ?? []
  return { step: step as StepKind, ...(host ? { host } : {}), ...(device ? { device } : {}) }
}
