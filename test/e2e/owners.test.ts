import { expect } from 'chai'
import { labTestMs, useLab } from '../support/lab.js'
import { shim, SlurmAt } from '../support/slurm.js'

describe('a persistent buffer is its owner’s', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: () => slurm.createPersistent('alice', 'hers', '1TB'),
    after: async () => {
      await slurm.destroyPersistent('alice', 'hers')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)

  it('is not destroyed by another user', async () => {
    const job = await slurm.submit('bob', '#BB destroy_persistent name=hers')
    await slurm.untilJob(job, /Reason=burst_buffer\/datawarp:_Delete_buffer_hers_permission_denied/)
    await lab.exec('head', ['scancel', job])
    expect(await owners()).to.deep.equal(['hers of alice'])
  })

  it('is not made a second time by another user: Slurm says so', async () => {
    const job = await slurm.submit('bob', '#BB create_persistent name=hers capacity=1TB access=striped type=scratch')
    await slurm.untilJob(job, /SystemComment=.*create_persistent: Duplicate buffer name/)
    await lab.exec('head', ['scancel', job])
    // Slurm lists the cancelled job itself until it has torn it down.
    await slurm.untilSystem('no trace of the job', ({ buffers }) => buffers.every(({ jobId }) => jobId !== job))
    expect(await owners()).to.deep.equal(['hers of alice'])
  })

  it('is not made a second time by another user behind the back of Slurm: the scheduler says so', async () => {
    const who = ['-c', 'CLI', '-t', 'hers', '-u', '20002']
    const what = ['-C', 'dedicated_nvme:1000000000000', '-a', 'striped', '-T', 'scratch']
    const { code, stdout } = await lab.exec('head', [shim, '--function', 'create_persistent', ...who, ...what])
    expect(code).to.not.equal(0)
    expect(stdout).to.match(/hers/)
    expect(stdout).to.not.match(/created/)
  })

  it('is waited for by a job that is submitted before it is created, and may have a dot in its name', async () => {
    const write = 'echo x >"$DW_PERSISTENT_STRIPED_test35_1/x"'
    const using = await slurm.submit('alice', '#DW persistentdw name=test35.1', write)
    await slurm.createPersistent('alice', 'test35.1', '48')
    await slurm.untilCompleted(using)
    await slurm.destroyPersistent('alice', 'test35.1')
  })

  it('may be asked for by name and state, in the tables of DataWarp', async () => {
    const shown = async (...words: string[]) =>
      (await lab.exec('head', ['scontrol', 'show', 'bbstat', ...words])).stdout
    expect(await shown()).to.match(/pool *units *quantity *free *gran\n.* 1TB\n/)
    expect(await shown('configurations')).to.match(/conf *state *inst *type *activs/)
    expect(await shown('activations')).to.equal('no activations\n')
  })

  const owners = async () => (await slurm.system()).buffers.map(({ name, user }) => `${name} of ${user}`)
})
