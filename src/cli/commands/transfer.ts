import type { TransferView } from '../../model/api.js'
import { printRounded } from '../../model/capacity.js'
import * as messages from '../messages.js'
import { duration, print, printable, printJson, printTable } from '../output.js'
import { caller, clientOf, type Command } from './command.js'

const actions = ['cancel', 'retry', 'drop'] as const
const operationOf = { cancel: 'cancelTransfers', retry: 'retryTransfers', drop: 'dropTransfers' } as const

export const transfer: Command<{ action: (typeof actions)[number]; token: string }> = {
  command: 'transfer <action> <token>',
  describe: "Cancel a job's transfers, retry those that failed, or drop those that were to stage data out",
  builder: (yargs) =>
    yargs
      .positional('action', { choices: actions, demandOption: true })
      .positional('token', { type: 'string', demandOption: true, describe: 'a job id' }),
  handler: async (argv) => {
    const { action, token } = argv
    const done = await clientOf(argv).call(operationOf[action], { token, body: { who: caller() } })
    if (argv.json) return printJson(done)
    print(messages.transfersChanged(action, done.transfers, token))
  },
}

export async function printTransfers(transfers: TransferView[]): Promise<void> {
  if (transfers.length > 0) print('')
  await printTable(
    ['session', 'transfer', 'state', 'files', 'copied', 'rate', 'left', 'source', 'destination'],
    transfers.map((view) => [
      view.token,
      view.attempt === 1 ? view.name : `${view.name} (attempt ${view.attempt})`,
      view.state,
      view.totalFiles === null ? '-' : `${view.files}/${view.totalFiles}`,
      view.totalBytes === null ? '-' : `${printRounded(view.bytes)} of ${printRounded(view.totalBytes)}`,
      view.bytesPerSecond === null ? '-' : `${printRounded(view.bytesPerSecond)}/s`,
      view.secondsLeft === null ? '-' : duration(view.secondsLeft),
      view.source,
      view.destination,
    ]),
  )
  for (const view of transfers) {
    const lines = [
      ...view.waitingFor.map((text) => `waits for ${text}`),
      ...(view.reason === null ? [] : [view.reason]),
      ...view.failures.map((text) => `failed: ${text}`),
      ...(view.report === null ? [] : [`list of what failed: ${view.report}`]),
    ]
    for (const line of lines) print(`  ${view.token} ${view.name}: ${printable(line)}`)
  }
}
