import { CallError } from '../client.js'
import * as messages from '../messages.js'
import { print, printable, printJson } from '../output.js'
import { explainJob, slurmJobs } from '../slurmJobs.js'
import { clientOf, type Command } from './command.js'

export const explain: Command<{ name: string }> = {
  command: 'explain <name>',
  describe: 'Explain why a job or a persistent buffer waits, from what the scheduler and Slurm know',
  builder: (yargs) =>
    yargs.positional('name', { type: 'string', demandOption: true, describe: 'a job id or a persistent name' }),
  handler: async (argv) => {
    const name = String(argv.name)
    const client = clientOf(argv)
    const { lines, isKnown } = await client.call('explain', { name })
    const isJob = /^[0-9]+$/.test(name)
    const slurm = isJob ? await slurmJobs(name) : { jobs: [] }
    const { pools } = await client.call('showStatus')
    const job = 'jobs' in slurm ? slurm.jobs[0] : undefined
    const told = [...lines, ...(job ? explainJob(job, isKnown, pools) : [])]
    if (told.length === 0)
      throw new CallError(messages.nameUnknown(name, 'unknown' in slurm ? slurm.unknown : undefined))
    if (argv.json) return printJson({ name, lines: told })
    for (const line of told) print(printable(line))
  },
}
