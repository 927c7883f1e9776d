import { expect } from 'chai'
import { until } from '../../lab/until.js'
import { useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

describe('a second scheduler', function () {
  this.timeout(300_000)
  const lab = useLab({
    before: () => lab.startService('head', 'standby'),
    after: async () => {
      await lab.startService('head', 'scheduler')
      await lab.stopService('head', 'standby')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)
  const env = { BURSTBUFFER_SOCKET: '/run/burstbuffer/standby.sock' }
  const call = (...args: string[]) =>
    lab.exec('head', ['/opt/burstbuffer/dist/bin/dw_wlm_cli', ...args], { env, timeoutMs: 60_000 })
  const create = () =>
    call(
      '--function',
      'create_persistent',
      '-c',
      'CLI',
      '-t',
      'taken',
      '-u',
      '20001',
      '-C',
      'dedicated_nvme:1000000000000',
      '-a',
      'striped',
      '-T',
      'scratch',
    )

  it('stands by while the first leads', async () => {
    const { code, stdout } = await create()
    expect(code).to.not.equal(0)
    expect(stdout).to.match(/stands by|leads/)
  })

  it('takes over when the first is killed, and does its work', async () => {
    await lab.stopService('head', 'scheduler', 'KILL')
    await until(
      { what: 'the second makes a buffer', deadlineMs: 60_000, seen: async () => (await create()).stdout },
      async () => {
        const { code, stdout } = await create()
        return code === 0 && stdout.includes('created')
      },
    )
    const teardown = () => call('--function', 'teardown', '--token', 'taken', '--job', '/dev/null', '--hurry')
    await until(
      { what: 'and takes it down', seen: async () => (await teardown()).stdout },
      async () => (await teardown()).code === 0,
    )
  })
})
