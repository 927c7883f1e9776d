import { join } from 'node:path'
import type { DifferenceView } from '../../model/api.js'
import * as messages from '../messages.js'
import { print, printable, printJson } from '../output.js'
import { slurmDifferences, slurmList } from '../slurmList.js'
import { slurmJobs, strandedJobs } from '../slurmJobs.js'
import { clientOf, type Command } from './command.js'

/** The program of this installation that Slurm calls. */
const shim = join(import.meta.dirname, '../../bin/dw_wlm_cli')

export const check: Command<{ repair: boolean }> = {
  command: 'check',
  describe: 'Compare etcd, disks, mounts, gluster volumes and Slurm, and suggest a remedy for each difference',
  builder: (yargs) =>
    yargs.option('repair', {
      type: 'boolean',
      default: false,
      describe: 'make the safe repairs, which are marked with *',
    }),
  handler: async (argv) => {
    const client = clientOf(argv)
    const found = await (argv.repair ? client.call('repair') : client.call('check'))
    const slurm = await slurmList()
    const buffers = await client.call('listBuffers')
    const jobs = await slurmJobs()
    const sessions = await client.call('listSessions')
    const stranded = 'jobs' in jobs ? strandedJobs(jobs.jobs, new Set(sessions.map(({ token }) => token))) : []
    const all = [
      ...found,
      ...stranded,
      ...('names' in slurm ? slurmDifferences(slurm.names, buffers, sessions, shim) : []),
    ]
    if (argv.json) printJson(all)
    else report(all, argv.repair, 'unknown' in slurm ? slurm.unknown : undefined)
    if (all.some(({ safe }) => !argv.repair || !safe)) process.exitCode = 1
  },
}

function report(found: DifferenceView[], repaired: boolean, noSlurm: string | undefined): void {
  for (const { where, what, remedy, safe } of found) {
    const label = safe && repaired ? 'done' : 'remedy'
    print(`${safe ? '*' : '-'} ${printable(where)}: ${printable(what)}\n    ${label}: ${printable(remedy)}`)
  }
  if (noSlurm !== undefined) print(printable(messages.slurmNotCompared(noSlurm)))
  print(messages.differencesFound(found.length))
}
