import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { buffersOf, must } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

describe('a brick process that dies while its buffer is staged out', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const slurm = new SlurmAt(lab)
  const out = '/home/alice/out'
  const files = 2_000
  const arrived = () => must(lab, 'head', `find ${out} -maxdepth 1 -type f | wc -l`)
  const copies = async (host: string) => (await must(lab, host, 'ps -e -o comm= | grep -c rsync || true')) !== '0'

  it('is noticed or disturbs nothing, the buffer is kept, and a retry brings all', async () => {
    const job = await slurm.submit(
      'alice',
      '#DW jobdw type=scratch access_mode=striped capacity=3TB',
      `#DW stage_out type=directory source=$DW_JOB_STRIPED/many destination=${out}`,
      `mkdir $DW_JOB_STRIPED/many && cd $DW_JOB_STRIPED/many && seq ${files} | split -l 1 -a 4 -`,
    )
    await until({ what: 'gluster3 copies', deadlineMs: 180_000, seen: () => slurm.job(job) }, () => copies('gluster3'))
    await must(lab, 'gluster3', `kill -9 $(cat /run/gluster/vols/${job}/*.pid)`)
    const shown = await slurm.untilJob(job, /SystemComment=.*bbctl transfer retry|BurstBufferState=complete/)
    if (!shown.includes('BurstBufferState=complete')) {
      await must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js transfer retry ${job}`)
    }
    await until({ what: `buffer ${job} is gone`, deadlineMs: 180_000, seen: () => slurm.job(job) }, async () => {
      return (await buffersOf(lab)).every(({ name }) => name !== job)
    })
    expect(await arrived()).to.equal(`${files}`)
    const same = `find ${out} -maxdepth 1 -type f -exec cat {} + | sort -n | cmp - /tmp/numbers`
    expect(await must(lab, 'head', `seq ${files} >/tmp/numbers && ${same} && echo same`)).to.equal('same')
    await expectNothingLost(lab)
  })
})
