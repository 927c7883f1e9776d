import * as messages from '../messages.js'
import { print, printJson } from '../output.js'
import { caller, clientOf, type Command, placeOf, withPlace } from './command.js'

export const cordon: Command<{ place: string; reason: string }> = {
  command: 'cordon <place>',
  describe: 'Place no new bricks on a host or device; existing bricks stay',
  builder: (yargs) =>
    withPlace(yargs, 'HOST or HOST/DEVICE')
      .option('reason', { type: 'string', demandOption: true, describe: 'why, for other operators' })
      // The name in the previous release.
      .option('why', { type: 'string', hidden: true })
      .middleware((argv) => void (argv.reason ??= argv.why!), true),
  handler: async (argv) => {
    const { host, device } = placeOf(argv.place)
    const body = { who: caller(), why: argv.reason }
    const client = clientOf(argv)
    const result =
      device === undefined
        ? await client.call('cordonHost', { host, body })
        : await client.call('cordonDevice', { host, device, body })
    if (argv.json) return printJson(result)
    print(result.already ? messages.alreadyCordoned(argv.place) : messages.cordoned(argv.place))
  },
}

export const uncordon: Command<{ place: string }> = {
  command: 'uncordon <place>',
  describe: 'Allow new bricks on a host or device again, after a cordon or a quarantine',
  builder: (yargs) => withPlace(yargs, 'HOST or HOST/DEVICE'),
  handler: async (argv) => {
    const { host, device } = placeOf(argv.place)
    const client = clientOf(argv)
    const result =
      device === undefined
        ? await client.call('uncordonHost', { host })
        : await client.call('uncordonDevice', { host, device })
    if (argv.json) return printJson(result)
    print(result.already ? messages.notCordoned(argv.place) : messages.uncordoned(argv.place))
  },
}
