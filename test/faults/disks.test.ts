import { expect } from 'chai'
import { bricksOf, untilDevice } from '../support/bricks.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must, untilPhase } from '../support/invariants.js'

describe('a disk that fails', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab()
  const bbctl = (words: string) => must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js ${words}`)
  /** The first that a buffer with a brick on every host is given. */
  const [host, device] = ['gluster1', 'nvme2n1']
  const ways: [what: string, fail: () => Promise<unknown>, mend: () => Promise<unknown>][] = [
    [
      'takes no writes',
      () => must(lab, host, `blockdev --setro /dev/${device}`),
      () => must(lab, host, `blockdev --setrw /dev/${device}`),
    ],
    ['cannot be read', () => lab.breakDisk(host, device), () => lab.replaceDisk(host, device)],
  ]
  for (const [what, fail, mend] of ways) {
    it(`${what} when a buffer is made: put in quarantine, and the buffer is made elsewhere`, async () => {
      await fail()
      await bbctl('create elsewhere --capacity 3TB --user 20001')
      const places = (await bricksOf(lab, 'elsewhere')).map((brick) => `${brick.host}/${brick.device}`)
      expect(places).to.have.lengthOf(3).and.not.include(`${host}/${device}`)
      expect(await bbctl('status')).to.contain(`${host}/${device}`)
      await mend()
      // Until its agent has looked again the disk counts as bad, and would be put in quarantine again.
      await bbctl('destroy elsewhere --no-wait')
      await expectNothingLost(lab)
      await bbctl(`uncordon ${host}/${device}`)
    })
  }

  it('shuts its file system down under a buffer: the buffer can still be destroyed, and the disk is wiped', async () => {
    await bbctl('create doomed --capacity 1TB --user 20001')
    const [brick] = await bricksOf(lab, 'doomed')
    const path = `/data/glusterfs/${brick!.device}`
    await must(lab, brick!.host, `xfs_io -x -c shutdown ${path}`)
    expect((await lab.exec(brick!.host, ['ls', path])).code, 'ls of what is shut down').to.not.equal(0)
    await bbctl('destroy doomed')
    await untilDevice(lab, brick!.host, brick!.device, 'blank')
    await expectNothingLost(lab)
  })

  it('goes under a buffer that is destroyed then: what is left is shown, and gone when the disk is replaced', async () => {
    await bbctl('create vanished --capacity 1TB --user 20001')
    const [brick] = await bricksOf(lab, 'vanished')
    await lab.breakDisk(brick!.host, brick!.device)
    await bbctl('destroy vanished --no-wait')
    await untilPhase(lab, 'vanished', 'blocked')
    await lab.replaceDisk(brick!.host, brick!.device)
    await expectNothingLost(lab)
    await untilDevice(lab, brick!.host, brick!.device, 'blank')
  })
})
