import { expect } from 'chai'
import { processInIt } from '../../src/agent/host/client/messages.js'
import { until } from '../../lab/common/until.js'
import { keysBelow } from '../support/bricks.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

describe('a process that outlives its job in the buffer', function () {
  this.timeout(labTestMs)
  let job: string
  let pid: string
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const isAlive = async () => (await lab.exec('c1', ['test', '-d', `/proc/${pid}/fd`])).code === 0

  it('is named, and stays for its grace', async () => {
    // Out of the session and the parentage by which Slurm finds a job's processes here, and deaf to all but KILL.
    const left = `trap "" TERM HUP INT; cd "$DW_JOB_STRIPED"; echo $$ >$HOME/left.new; mv $HOME/left.new $HOME/left; while :; do sleep 1; done`
    const lines = ['#SBATCH --nodelist=c1', '#DW jobdw type=scratch access_mode=striped capacity=1TB']
    await must(lab, 'c1', 'rm -f /home/alice/left')
    job = await slurm.submit(
      'alice',
      ...lines,
      `(setsid --fork sh -c '${left}' </dev/null >/dev/null 2>&1 &)`,
      'until [ -e $HOME/left ]; do sleep 0.1; done',
    )
    const seen = async () => (await lab.exec('head', ['node', bbctl, 'explain', job])).stdout
    pid = await until({ what: 'it has begun' }, async () => {
      return (await lab.exec('c1', ['cat', '/home/alice/left'])).stdout.trim() || undefined
    })
    await until({ what: 'it is named', seen }, async () =>
      (await seen()).includes(processInIt(Number(pid), 'sh', 20001)),
    )
    expect(await isAlive()).to.equal(true)
  })

  it('is ended then, and the buffer goes', async () => {
    await until({ what: 'it has ended', deadlineMs: 240_000 }, async () => !(await isAlive()))
    const keys = () => keysBelow(lab, `buffers/${job}`)
    await until({ what: 'its devices are given back', seen: async () => (await keys()).join() }, async () => {
      return (await keys()).length === 0
    })
    await expectNothingLost(lab)
  })

  const bbctl = '/opt/burstbuffer/dist/cli/bbctl.js'
})
