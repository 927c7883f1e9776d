import { createInterface } from 'node:readline/promises'
import type { DeviceView } from '../../model/api.js'
import { CallError, pathOf } from '../client.js'
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
    const result = await clientOf(argv).send<{ already: boolean }>('PUT', pathOf('cordons', ...placeOf(argv.place)), {
      who: caller(),
      why: argv.why,
    })
    if (argv.json) return printJson(result)
    print(result.already ? `${argv.place} was cordoned already` : `${argv.place} is cordoned`)
  },
}

export const uncordon: Command<{ place: string }> = {
  command: 'uncordon <place>',
  describe: 'Allow new bricks again, after a cordon or a quarantine',
  builder: (yargs) => withPlace(yargs, 'HOST or HOST/DEVICE'),
  handler: async (argv) => {
    const result = await clientOf(argv).send<{ already: boolean }>('DELETE', pathOf('cordons', ...placeOf(argv.place)))
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
    const [host, device] = placeOf(argv.place)
    if (!host || !device) throw new CallError(`write HOST/DEVICE, not ${printable(argv.place)}`)
    const client = clientOf(argv)
    const found = (await client.get<DeviceView[]>('/v1/bricks')).find(
      (view) => view.host === host && view.device === device,
    )
    if (!argv.yes) await confirm(argv.place, found)
    await client.send('POST', pathOf('adopt', host, device), { who: caller() })
    if (argv.json) return printJson({ adopted: argv.place })
    print(`${argv.place} is wiped and free`)
  },
}

async function confirm(place: string, found: DeviceView | undefined): Promise<void> {
  if (!process.stdin.isTTY) throw new CallError(`adopting ${place} wipes what it holds: say --yes`)
  const holds = found
    ? `${size(found.sizeBytes)}, ${found.identity || 'no serial number'}, holds ${found.reason ?? 'nothing'}`
    : 'unknown'
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`${place} (${printable(holds)}): wipe it? Type the device's name to go on: `)
  terminal.close()
  if (answer.trim() !== place.split('/')[1]) throw new CallError('nothing was done')
}
