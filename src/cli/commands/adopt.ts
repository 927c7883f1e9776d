import type { DeviceView } from '../../model/api.js'
import { CallError } from '../client.js'
import { confirm } from '../confirm.js'
import { print, printable, printJson, size } from '../output.js'
import { caller, clientOf, type Command, placeOf, withPlace } from './command.js'

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
