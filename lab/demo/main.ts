import { parseArgs } from 'node:util'
import { Lab } from '../namespaces/cluster.js'
import { ComposeCluster } from '../containers/compose.js'
import type { Cluster } from '../common/interface.js'
import type { Plot } from './plot.js'
import { scenario } from './scenario.js'
import { Scene } from './scene.js'

/* npm run demo [-- --docker] [-- --keep]: the life of a buffer, with real programs. Exit code 0 if every fact holds. */

const options = {
  keep: { type: 'boolean', default: false },
  /** In containers instead of namespaces. */
  docker: { type: 'boolean', default: false },
} as const
const { values } = parseArgs({ options })
const print = (line: string) => console.log(line)
const lab: Cluster = values.docker ? new ComposeCluster({ say: print }) : new Lab({ say: print })

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void interrupt())

try {
  await lab.up()
  await play()
  if (values.keep) keep()
  else await lab.down()
  print('\nAll of it holds.')
} catch (error) {
  console.error(`\nThe demo ends here.\n${(error as Error).message}`)
  if (lab.isMine()) console.error(`logs: ${await lab.saveLogs()}`)
  if (lab.isMine()) await lab.down()
  process.exit(1)
}

async function play(): Promise<void> {
  const scene = new Scene(lab, print)
  const plot: Plot = {}
  for (const act of scenario) {
    scene.heading(act.heading)
    await act.play(scene, plot)
  }
}

function keep(): void {
  lab.keep()
  const door = values.docker ? 'npm run lab -- --docker' : 'npm run lab --'
  print(`
The lab stays up. Enter its hosts, look around, and stop it:

  ${door} status
  ${door} shell head            (or ${lab.hosts
    .map(({ name }) => name)
    .filter((name) => name !== 'head')
    .join(', ')})
  ${door} down

Some commands to try on head:

  scontrol show burstbuffer
  node /opt/burstbuffer/dist/cli/bbctl.js status
  etcdctl get --prefix --keys-only /burstbuffer/
  su alice -c 'srun --bb="capacity=2TB" bash -c "df -h \\$DW_JOB_STRIPED"'`)
}

async function interrupt(): Promise<void> {
  console.error('\ninterrupted: the lab is taken down')
  if (lab.isMine()) await lab.down()
  process.exit(130)
}
