import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { Lab } from '../../lab/namespaces/cluster.js'
import { expectInvariants } from '../support/invariants.js'
import { prepareForFaults } from '../support/remembered.js'
import { soak, tell, whyEmpty } from './soak.js'

/* npm run soak: jobs, buffers and faults at random in a lab of its own, and a look at what must hold after it. */

const { minutes, seed, id } = await yargs(hideBin(process.argv))
  .scriptName('npm run soak --')
  .options({
    minutes: { type: 'number', demandOption: true, describe: 'how long faults happen' },
    id: { type: 'string', default: 'soak', describe: 'of its lab' },
    seed: { type: 'number', default: Date.now() % 1_000_000, describe: 'repeats the draws of an earlier soak' },
  })
  .check(({ minutes }) => minutes > 0 || '--minutes must be more than 0')
  .strict()
  .parseAsync()

const start = performance.now()
const say = (line: string) =>
  console.log(`${String(Math.round((performance.now() - start) / 1000)).padStart(5)} s  ${line}`)
const lab = new Lab({ id })
console.log(`seed ${seed}, ${minutes} minutes`)
try {
  await lab.up()
  const remembered = await prepareForFaults(lab)
  const counts = await soak(lab, { durationMs: minutes * 60_000, seed, say })
  console.log(tell(counts))
  await expectInvariants(lab, remembered)
  const empty = whyEmpty(counts)
  if (empty !== undefined) throw new Error(`the soak shows nothing: ${empty}`)
  console.log(`nothing lost; seed ${seed}`)
} catch (error) {
  console.error(error)
  console.log(`went wrong with seed ${seed}; logs of the lab's hosts: ${await lab.saveLogs()}`)
  process.exitCode = 1
} finally {
  await lab.down()
}
