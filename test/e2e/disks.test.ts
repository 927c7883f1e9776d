import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { inventoryOf, untilDevice } from '../support/bricks.js'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

describe('a disk that comes or goes', function () {
  this.timeout(labTestMs)
  const host = 'gluster2'
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)

  it('is seen without a restart of the agent', async () => {
    await lab.exec(host, ['mv', '/dev/nvme7n1', '/dev/pulled'])
    const seen = async () => JSON.stringify((await inventoryOf(lab, host)).find(({ name }) => name === 'nvme7n1'))
    await until({ what: 'nvme7n1 is no longer free', deadlineMs: 90_000, seen }, async () => {
      return (await inventoryOf(lab, host)).every(({ name, state }) => name !== 'nvme7n1' || state !== 'blank')
    })
    await lab.exec(host, ['mv', '/dev/pulled', '/dev/nvme7n1'])
    const { sizeBytes } = await untilDevice(lab, host, 'nvme7n1', 'blank')
    expect(sizeBytes).to.equal(10 ** 12)
  })
})
