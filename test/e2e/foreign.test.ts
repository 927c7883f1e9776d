import { expect } from 'chai'
import { keysBelow, untilDevice } from '../support/bricks.js'
import { labTestMs, useLab } from '../support/lab.js'
import { lvmLabelSector } from '../support/lvmLabel.js'
import { SlurmAt } from '../support/slurm.js'

describe('a device that holds something of others is shown and never touched', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: async () => {
      await lab.stopService(host, 'agent')
      for (const [, device, command] of held) {
        await must(command)
        prints.push(await fingerprint(device))
      }
      await lab.startService(host, 'agent')
    },
    after: async () => {
      await lab.stopService(host, 'agent')
      for (const [, device] of held) await must(`blkdiscard --force /dev/${device}`)
      await lab.startService(host, 'agent')
      for (const [, device] of held) await untilDevice(lab, host, device, 'blank')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)
  const host = 'gluster3'
  const label = lvmLabelSector().toString('base64')
  const held: [what: string, device: string, command: string][] = [
    [
      'ext4',
      'nvme1n1',
      'mkfs.ext4 -q -E nodiscard,lazy_itable_init=1,lazy_journal_init=1 -O ^has_journal /dev/nvme1n1',
    ],
    ['a partition table', 'nvme2n1', 'echo "label: gpt" | sfdisk --quiet --no-reread --no-tell-kernel /dev/nvme2n1'],
    [
      'a label of LVM',
      'nvme3n1',
      `echo ${label} | base64 --decode | dd of=/dev/nvme3n1 bs=512 seek=1 conv=notrunc,fsync status=none`,
    ],
    ['an XFS that is not ours', 'nvme4n1', 'mkfs.xfs -q -K /dev/nvme4n1'],
    ['raw data without a signature', 'nvme5n1', 'printf data | dd of=/dev/nvme5n1 conv=notrunc,fsync status=none'],
  ]
  const prints: string[] = []

  for (const [what, device] of held) {
    it(`calls ${what} foreign, with a reason`, async () => {
      const { reason } = await untilDevice(lab, host, device, 'foreign')
      expect(reason).to.be.a('string').that.is.not.empty
    })
  }

  it('gives out the other fifteen devices, and no more', async () => {
    await slurm.createPersistent('alice', 'therest', '15TB')
    const bricks = (await keysBelow(lab, `desired/${host}/brick/`)).map((key) => key.split('/').at(-1))
    expect(bricks).to.deep.equal(['nvme6n1'])
    await slurm.destroyPersistent('alice', 'therest')
  })

  it('has left every one of them as it was', async () => {
    const now = await Promise.all(held.map(([, device]) => fingerprint(device)))
    expect(now).to.deep.equal(prints)
  })

  /** The first and the last MiB, where file systems and tables have their signatures. */
  async function fingerprint(device: string): Promise<string> {
    const ends = `head -c 1M /dev/${device}; tail -c 1M /dev/${device}`
    return must(`{ ${ends}; } | sha256sum`)
  }

  async function must(command: string): Promise<string> {
    const { code, stdout, stderr } = await lab.exec(host, ['sh', '-c', command])
    expect(code, `${command}: ${stdout}${stderr}`).to.equal(0)
    return stdout
  }
})
