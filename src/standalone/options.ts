import yargs from 'yargs'
import { Refusal } from '../agent/port/host.js'
import { isDestructive, type StepKind } from '../agent/port/steps.js'
import { type Shape, usualShape } from './cluster.js'
import * as messages from './messages.js'
import type { Fault } from '../simulated/pace.js'

export interface StandaloneOptions {
  /** The URL of etcd; undefined: start one. */
  etcd: string | undefined
  shape: Shape
  faults: Fault[]
}

const steps = Object.keys(isDestructive) as StepKind[]

/** Throws with a message for the user. */
export async function readOptions(argv: string[]): Promise<StandaloneOptions> {
  const given = await yargs(argv)
    .scriptName('npm run standalone --')
    .usage('$0\n\nRuns a scheduler, simulated hosts and an etcd on this machine, without root. No disk is touched.')
    .option('etcd', { type: 'string', describe: 'URL of a running etcd; without it, one is started' })
    .option('hosts', { type: 'number', describe: 'number of storage hosts, instead of three with 20 devices' })
    .option('devices', { type: 'number', default: 7, describe: 'devices of each storage host, with --hosts' })
    .option('compute', { type: 'number', default: usualShape.computeHosts, describe: 'number of compute hosts' })
    .option('fail', {
      type: 'string',
      array: true,
      default: [],
      describe: 'STEP[@HOST[/DEVICE]][:TIMES] fails so many times, or always',
    })
    .option('slow', {
      type: 'string',
      array: true,
      default: [],
      describe: 'STEP[@HOST[/DEVICE]]=MS takes so many milliseconds longer',
    })
    .epilogue(`Steps: ${steps.join(', ')}.`)
    .version(false)
    .strict()
    .help()
    .exitProcess(true)
    .parseAsync()
  for (const name of ['hosts', 'devices', 'compute'] as const) {
    const count = given[name]
    if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= 1000))
      throw new Error(messages.countExpected(name, count))
  }
  if (given.etcd !== undefined && !/^https?:\/\/[^/]+$/.test(given.etcd))
    throw new Error(messages.urlExpected(given.etcd))
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

/** `formatBrick@gluster1/nvme1n1:1`. Without a number of times the error is terminal; otherwise the step is tried again. */
function parseFail(text: string): Fault {
  const [, place, times] = /^(.*?)(?::([0-9]+))?$/.exec(text)!
  const message = messages.simulatedFailure()
  if (times === undefined) return { ...parsePlace('--fail', place!), error: new Refusal(message) }
  return { ...parsePlace('--fail', place!), times: Number(times), error: new Error(message) }
}

function parseSlow(text: string): Fault {
  const matched = /^(.*)=([0-9]+)$/.exec(text)
  if (!matched) throw new Error(messages.slowExpected(text))
  return { ...parsePlace('--slow', matched[1]!), slowMs: Number(matched[2]) }
}

function parsePlace(flag: string, text: string): Fault {
  const [step, where] = text.split('@') as [string, string | undefined]
  if (!(steps as string[]).includes(step)) throw new Error(messages.unknownStep(flag, step, steps))
  const [host, device] = where?.split('/') ?? []
  return { step: step as StepKind, ...(host ? { host } : {}), ...(device ? { device } : {}) }
}
