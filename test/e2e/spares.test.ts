import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { deviceCount } from '../../lab/common/hosts.js'
import type { DeviceView } from '../../src/model/api.js'
import { dataPlaneNames } from '../../src/model/documents/direct.js'
import { spareReady } from '../../src/scheduler/operators/messages.js'
import { serveWith, untilPeersConnected } from '../support/directPlane.js'
import { must } from '../support/invariants.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

const servers = ['gluster1', 'gluster2', 'gluster3']
const config = '/etc/burstbuffer/scheduler.yaml'

describe('a pool whose bricks are made ahead', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    after: async () => {
      await keepSpares(0)
      await serveWith(lab, 'glusterd')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)

  for (const plane of dataPlaneNames) {
    it(`makes a job's buffer without a format, and shows nothing of the job before (${plane})`, async () => {
      const all = deviceCount(lab)
      await serveWith(lab, plane)
      if (plane === 'glusterd') await untilPeersConnected(lab, servers)
      await keepSpares(all)
      const jobdw = `#DW jobdw type=scratch access_mode=striped capacity=${all}TB`
      const fill = 'for n in $(seq 60); do echo of alice >$DW_JOB_STRIPED/$n; done; sync'
      const former = await slurm.submit('alice', jobdw, fill)
      await slurm.untilCompleted(former)
      await untilSpares(all)
      const job = await slurm.submit(
        'bob',
        jobdw,
        'ls -A $DW_JOB_STRIPED | wc -l >~/left; echo mine >$DW_JOB_STRIPED/a',
      )
      await slurm.untilCompleted(job)
      expect(await must(lab, 'head', 'cat ~bob/left')).to.equal('0')
      await untilSpares(all)
      const steps = (
        await Promise.all(servers.map((host) => must(lab, host, 'grep "step done" /var/log/agent.out')))
      ).join('\n')
      for (const buffer of [former, job]) expect(steps).not.to.include(`for buffer ${buffer}"`)
      await keepSpares(0)
      await slurm.untilClean()
    })
  }

  /** The scheduler is started again with that setting, and has made or given back what it says. */
  async function keepSpares(count: number): Promise<void> {
    await must(lab, 'head', `sed -i '/^    spares: /d; s/^    dataPlane: .*/&\\n    spares: ${count}/' ${config}`)
    await lab.stopService('head', 'scheduler')
    await lab.startService('head', 'scheduler')
    await untilSpares(count)
  }

  async function untilSpares(count: number): Promise<void> {
    const spares = async () => {
      const views = JSON.parse(
        await must(lab, 'head', 'node /opt/burstbuffer/dist/cli/bbctl.js devices --json'),
      ) as DeviceView[]
      return views.filter(({ reason }) => reason === spareReady()).length
    }
    await until(
      { what: `${count} spares`, seen: async () => String(await spares()) },
      async () => (await spares()) === count,
    )
  }
})
