import { CallError } from '../client.js'
import { confirm } from '../confirm.js'
import * as messages from '../messages.js'
import { print, printable, printJson } from '../output.js'
import { caller, clientOf, type Command, placeOf, withPlace } from './command.js'

export const adopt: Command<{ place: string; yes: boolean }> = {
  command: 'adopt <place>',
  describe: 'Wipe a foreign device, so that it can be used for buffers',
  builder: (yargs) =>
    withPlace(yargs, 'HOST/DEVICE').option('yes', { type: 'boolean', default: false, describe: 'without asking' }),
  handler: async (argv) => {
    const { host, device } = placeOf(argv.place)
    if (!host || !device) throw new CallError(messages.notADevice(printable(argv.place)))
    const client = clientOf(argv)
    const found = (await client.call('listDevices')).find((view) => view.host === host && view.device === device)
    if (!argv.yes)
      await confirm(messages.adoptingWipes(argv.place), printable(messages.wipeDevice(found)), device, '--yes')
    await client.call('adoptDevice', { host, device, body: { who: caller() } })
    if (argv.json) return printJson({ adopted: argv.place })
    print(messages.adopted(argv.place))
  },
}
