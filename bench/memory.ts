import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { taggedProcesses } from '../src/agent/host/exec/taggedProcesses.js'
import type { DesiredTransfer } from '../src/model/documents/transfer.js'
import { someone, StagingRig } from '../test/support/stagingRig.js'
import type { Benchmark, Figure } from './measure.js'

const directories = 1_000
const filesEach = 1_000
const shares = 10

/** The staging of one host, from and to directories of this machine, without the memory of GlusterFS. */
export const memory: Benchmark = {
  describe: 'the memory that staging takes: a million files scanned, a tenth of them copied, and one file of 100 GB',
  run: async (say) => {
    const rig = new StagingRig()
    try {
      const figures: Figure[] = []
      const measure = async (what: string, transfer: DesiredTransfer) => {
        const { agent, copiers, ms } = await taken(rig, transfer)
        say(`${what}: ${Math.round(ms / 1000)} s`)
        const against = { what: 'the same, before', value: agent.beforeBytes / 1e6 }
        figures.push({ what: `${what}: the agent`, value: agent.maxBytes / 1e6, unit: 'MB', against })
        figures.push({ what: `${what}: the largest program that it runs`, value: copiers / 1e6, unit: 'MB' })
      }
      const make = `mkdir $(seq ${directories}); for d in *; do (cd $d && seq ${filesEach} | xargs touch); done`
      rig.as(someone, `mkdir many large; cd many; ${make}`)
      rig.as(someone, 'truncate -s 100GB large/file')
      const share = { index: 0, of: shares }
      const many = rig.transfer({ outside: `${rig.lustre}/many`, inside: 'many', share })
      await measure(`${directories * filesEach} files scanned`, { ...many, part: 'plan' })
      await measure(`${(directories * filesEach) / shares} of them copied`, { ...many, part: 'copy' })
      await rig.end({ outside: `${rig.lustre}/many`, inside: 'many', share })
      const large = rig.transfer({ outside: `${rig.lustre}/large`, inside: 'large' })
      await rig.part({ ...large, part: 'plan' })
      await measure('a file of 100 GB without data copied', { ...large, part: 'copy' })
      await rig.end({ outside: `${rig.lustre}/large`, inside: 'large' })
      return figures
    } finally {
      await rig.close()
    }
  },
}

async function taken(rig: StagingRig, transfer: DesiredTransfer) {
  const start = performance.now()
  const child = rig.spawnAgent(transfer)
  const said = text(child.stdout!)
  const ended = once(child, 'exit')
  let copiers = 0
  while (child.exitCode === null && child.signalCode === null) {
    for (const pid of await taggedProcesses(rig.mark)) copiers = Math.max(copiers, residentOf(pid))
    await Promise.race([ended, pause(500)])
  }
  const agent = JSON.parse(await said) as Record<'beforeBytes' | 'maxBytes', number>
  return { agent, copiers, ms: performance.now() - start }
}

function residentOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    // The process has ended meanwhile.
    return 0
  }
}
