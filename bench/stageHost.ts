import { realHost } from '../src/agent/host/index.js'
import { planTransfer } from '../src/agent/plan/transfer.js'
import type { StepArgs, StepKind } from '../src/agent/port/steps.js'
import { systemClock } from '../src/daemon/clock.js'
import { silentLog } from '../src/daemon/log.js'
import type { DesiredTransfer } from '../src/model/documents/transfer.js'

/*
 * One part of a transfer on this host, as its agent does it, without scheduler and etcd: node … stageHost.ts HOST DOCUMENT
 *
 * `ms` is only the time of the work, because an agent is already running.
 */

const [name, text] = process.argv.slice(2) as [string, string]
const transfer = JSON.parse(text) as DesiredTransfer
const host = realHost({
  name,
  pools: {},
  mountRoot: '/mnt/burstbuffer',
  stagePaths: ['/home'],
  clock: systemClock,
  log: silentLog,
})
let wake = () => {}
host.onTransferEnd(() => wake())

async function main(): Promise<void> {
  const start = performance.now()
  for (;;) {
    const facts = await host.observe.transfer(transfer)
    const { steps, refused, report } = planTransfer(transfer, facts)
    if (refused !== undefined) throw new Error(refused)
    if (report.state !== 'working') return console.log(JSON.stringify({ ...report, ms: performance.now() - start }))
    const ended = new Promise<void>((resolve) => (wake = resolve))
    for (const step of steps) {
      await host.effects[step.kind as StepKind](step as unknown as StepArgs['formatBrick'] & never)
    }
    if (steps.length === 0 || steps.some(({ kind }) => /^(plan|copy|finish)/.test(kind))) {
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1_000))])
    }
  }
}

await main()
await host.close()
