import type { DeviceView } from '../../model/api.js'
import { CallError } from '../client.js'
import { confirm } from '../confirm.js'
import { print, printable, printJson, size } from '../output.js'
import { caller, clientOf, type Command, placeOf, withPlace } from './command.js'

export const cordon: Command<{ place: string; why: string }> = {
  command: 'cordon <place>',
  describe: 'No new bricks on a host or device; what is there stays',
  builder: (yargs) =>
    withPlace(yargs, 'HOST or HOST/DEVICE').option('why', {
      type: 'string',
      demandOption: true,
      describe: 'the reason, for others to read',
    }),
  handler: async (argv) => {
    const { host, device } = placeOf(argv.place)
    const body = { who: caller(), why: argv.why }
    const client = clientOf(argv)
    const result =
      device === undefined
        ? await client.call('cordonHost', { host, body })
        : await client.call('cordonDevice', { host, device, body })
    if (argv.json) return printJson(result)
    print(result.already ? `${argv.place} was cordoned already` : `${argv.place} is cordoned`)
  },
}

export const uncordon: Command<{ place: string }> = {
  command: 'uncordon <place>',
  describe: 'Allow new bricks again, after a cordon or a quarantine',
  builder: (yargs) => withPlace(yargs, 'HOST or HOST/DEVICE'),
  handler: async (argv) => {
    const { host, device } = placeOf(argv.place)
    const client = clientOf(argv)
    const result =
      device === undefined
        ? await client.call('uncordonHost', { host })
        : await client.call('uncordonDevice', { host, device })
    if (argv.json) return printJson(result)
    print(result.already ? `${argv.place} was not cordoned` : `${argv.place} is open for new bricks`)
  },
}

export const adopt: Command<{ place: string; yes: boolean }> = {
  command: 'adopt <place>',
  describe: 'Give a foreign device to the system: what it holds is wiped',
  builder: (yargs) =>
    withPlace(yargs, 'HOST/DEVICE').option('yes', { type: 'boolean', default: false, describe: 'do not ask' }),
  handler: async (argv) => {
    const { host, device } = placeOf(argv.place)
    if (!host || !device) throw new CallError(`write HOST/DEVICE, not ${printable(argv.place)}`)
    const client = clientOf(argv)
    const found = (await client.call('listDevices')).find((view) => view.host === host && view.device === device)
    if (!argv.yes)
      await confirm(`adopting ${argv.place} wipes what it holds`, `${describeDevice(found)}: wipe it?`, device, '--yes')
    await client.call('adoptDevice', { host, device, body: { who: caller() } })
    if (argv.json) return printJson({ adopted: argv.place })
    print(`${argv.place} is wiped and free`)
  },
}

function describeDevice(found: DeviceView | undefined): string {
  if (!found) return 'Nothing is known of it'
  return printable(
    `It has ${size(found.sizeBytes)}, ${found.identity || 'no serial number'}, and holds ${found.reason ?? 'nothing'}`,
  )
}
