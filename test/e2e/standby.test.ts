import { expect } from 'chai'
import { isStandby } from '../../src/scheduler/commit/messages.js'
import { until } from '../../lab/common/until.js'
import { labTestMs, useLab } from '../support/lab.js'
import { shim, SlurmAt } from '../support/slurm.js'

describe('a second scheduler', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: () => lab.startService('head', 'standby'),
    after: async () => {
      await lab.startService('head', 'scheduler')
      await lab.stopService('head', 'standby')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)
  const first = '/run/burstbuffer/scheduler.sock'
  const second = '/run/burstbuffer/standby.sock'

  it('stands by while the first leads, and tells an operator so', async () => {
    await untilLeads(first)
    const { code, stderr } = await bbctl(second, 'create', 'taken', '--capacity', '1TB', '--user', '20001')
    expect(code).to.equal(1)
    expect(stderr).to.contain(isStandby('head'))
  })

  it('leads when slurmctld calls it, and the first stands by', async () => {
    expect(await create(second, 'called')).to.deep.equal({ code: 0, stdout: 'created\n' })
    await untilLeads(second)
    expect((await status(first)).leads).to.equal(false)
    await teardown(second, 'called')
  })

  it('hands over again when slurmctld comes back to the first', async () => {
    await teardown(first, 'nosuch')
    await untilLeads(first)
  })

  it('takes over when the first is killed, and does its work', async () => {
    await lab.stopService('head', 'scheduler', 'KILL')
    await untilLeads(second)
    expect(await create(second, 'taken')).to.deep.equal({ code: 0, stdout: 'created\n' })
    await teardown(second, 'taken')
  })

  const call = (socket: string, ...args: string[]) =>
    lab.exec('head', [shim, ...args], { env: { BURSTBUFFER_SOCKET: socket }, timeoutMs: 90_000 })
  const bbctl = (socket: string, ...args: string[]) =>
    lab.exec('head', ['node', '/opt/burstbuffer/dist/cli/bbctl.js', '--socket', socket, ...args])

  async function create(socket: string, name: string): Promise<{ code: number; stdout: string }> {
    const who = ['-c', 'CLI', '-t', name, '-u', '20001', '-C', 'dedicated_nvme:1000000000000']
    const { code, stdout } = await call(
      socket,
      '--function',
      'create_persistent',
      ...who,
      '-a',
      'striped',
      '-T',
      'scratch',
    )
    return { code, stdout }
  }

  /** Slurm repeats it until it is done or there is no such token. */
  async function teardown(socket: string, token: string): Promise<void> {
    const once = () => call(socket, '--function', 'teardown', '--token', token, '--job', '/dev/null', '--hurry')
    await until({ what: `${token} is torn down`, seen: async () => (await once()).stdout }, async () => {
      const { code, stdout } = await once()
      return code === 0 || stdout.includes('token not found')
    })
  }

  async function status(socket: string): Promise<{ leads: boolean }> {
    const { stdout } = await bbctl(socket, 'status', '--json')
    return (JSON.parse(stdout) as { scheduler: { leads: boolean } }).scheduler
  }

  const untilLeads = (socket: string) =>
    until({ what: `the scheduler on ${socket} leads`, deadlineMs: 60_000 }, async () => (await status(socket)).leads)
})
