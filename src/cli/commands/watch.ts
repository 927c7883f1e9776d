import type { WatchView } from '../../model/api.js'
import * as messages from '../messages.js'
import { print, printJson } from '../output.js'
import { printDetail } from './buffer.js'
import { clientOf, type Command } from './command.js'
import { printBuffers, printStatus } from './views.js'

export const watch: Command<{ name: string | undefined }> = {
  command: 'watch [name]',
  describe: 'Show the cluster, or one buffer until it is gone, and again after every change',
  builder: (yargs) => yargs.positional('name', { type: 'string', describe: 'a job id or a persistent name' }),
  handler: async (argv) => {
    for await (const shown of clientOf(argv).watch(argv.name === undefined ? {} : { name: argv.name })) {
      if (argv.json) printJson(shown)
      else await redraw(shown)
    }
  },
}

async function redraw(shown: WatchView): Promise<void> {
  // On a terminal each view replaces the previous one; elsewhere it follows it.
  print(process.stdout.isTTY ? '\u001b[H\u001b[2J' : '')
  if ('status' in shown) {
    await printStatus(shown.status)
    print('')
    await printBuffers(shown.buffers)
  } else if ('gone' in shown) print(messages.bufferGone(shown.name))
  else await printDetail(shown)
}
