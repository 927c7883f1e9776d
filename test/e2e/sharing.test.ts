import { expect } from 'chai'
import { labTestMs, useLab } from '../support/lab.js'
import { SlurmAt } from '../support/slurm.js'

describe('persistent buffers of two users', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: async () => {
      await slurm.createPersistent('alice', 'hers', '1TB')
      const create = '#BB create_persistent name=ours capacity=1TB access=striped type=scratch group=project'
      await slurm.untilCompleted(await slurm.submit('alice', create))
    },
    after: async () => {
      await slurm.destroyPersistent('alice', 'hers')
      await slurm.destroyPersistent('alice', 'ours')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)

  it('are not used by the other, who is told so in the job’s comment', async () => {
    expect(await slurm.refusalOf('bob', '#DW persistentdw name=hers')).to.match(/"?hers.*belongs to another user/)
  })

  it('are used by the members of the group that they are shared with', async () => {
    const write = 'echo "from $(id -un)" >$DW_PERSISTENT_STRIPED_ours/$(id -un)'
    for (const user of ['alice', 'bob']) {
      const job = await slurm.submit(user, '#DW persistentdw name=ours', write)
      await slurm.untilCompleted(job)
    }
    const read = ['exec >~/ours.out', 'cd $DW_PERSISTENT_STRIPED_ours', 'cat alice bob', 'stat -c %G bob']
    await slurm.untilCompleted(await slurm.submit('alice', '#DW persistentdw name=ours', ...read))
    const { stdout } = await lab.exec('head', ['cat', 'ours.out'], { user: 'alice' })
    expect(stdout).to.equal('from alice\nfrom bob\nproject\n')
  })

  it('are not shared with a group that the owner is not in', async () => {
    const create = '#BB create_persistent name=theirs capacity=1TB access=striped type=scratch group=daemon'
    expect(await slurm.refusalOf('alice', create)).to.match(/you are not in the group/)
    await slurm.destroyPersistent('alice', 'theirs')
  })
})
