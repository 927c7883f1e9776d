import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import type { DifferenceView } from '../../src/model/api.js'
import { bricksOf, keysBelow, type SeenBrick, untilDevice } from '../support/bricks.js'
import { enduring, expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { must } from '../support/invariants.js'

/*
 * Differences made by hand. What nobody claims is made by taking a buffer's document away: its volume, disk and mount are
 * orphans then, and its session has lost what it made.
 */
describe('what does not fit together is named by bbctl check', function () {
  this.timeout(labTestMs)
  const name = 'forgotten'
  let orphan: SeenBrick
  let unmounted: SeenBrick
  let expected: Record<'session' | 'volume' | 'device' | 'mount' | 'missing', RegExp>
  const lab = useFaultsLab({
    before: async () => {
      await must(lab, 'head', `node ${bbctl} create ${name} --capacity 1TB --user 20001`)
      orphan = (await bricksOf(lab, name))[0]!
      unmounted = (await bricksOf(lab, enduring)).find(({ host }) => host === 'gluster3')!
      const { host, device, uuid } = orphan
      expected = {
        session: /^\* session forgotten: its buffer does not exist > end the session$/,
        volume: /^gluster volume forgotten: it belongs to no buffer; .* gluster volume delete forgotten$/,
        device: new RegExp(
          `^device ${host}/${device}: it contains the brick ${uuid}, .* bbctl adopt ${host}/${device},`,
        ),
        mount: new RegExp(`^mount /data/glusterfs/${device} on ${host}: .*it belongs to no buffer > .*umount`),
        missing: new RegExp(
          `^mount /data/glusterfs/${unmounted.device} on gluster3: the brick of enduring is not mounted`,
        ),
      }
    },
  })

  it('a desired document that is deleted is written again, and its brick left alone meanwhile', async () => {
    const [brick] = await bricksOf(lab, enduring)
    const key = `desired/${brick!.host}/brick/${brick!.device}`
    await must(lab, 'head', `etcdctl del /burstbuffer/${key}`)
    await until({ what: `${key} is there again` }, async () => (await keysBelow(lab, key)).length === 1)
    expect((await bricksOf(lab, enduring))[0]).to.deep.equal(brick)
  })

  it('a session, a volume, a disk and a mount that no buffer claims, and a brick that was unmounted, with what mends them', async () => {
    await must(lab, 'head', `etcdctl del --prefix /burstbuffer/buffers/${name}`)
    const { host, device } = unmounted
    const serving = `$(cat /run/gluster/vols/${enduring}/*.pid)`
    const takeOff = `mountpoint -q /data/glusterfs/${device} || exit 0; kill -9 ${serving}; umount /data/glusterfs/${device}`
    await until({ what: 'all are found', deadlineMs: 150_000, seen }, async () => {
      // Its agent may be faster, and mount it again.
      await must(lab, host, takeOff)
      const found = await look()
      return Object.values(expected).every((what) => found.some((line) => what.test(line)))
    })
  })

  it('repair ends the session, and leaves alone what may hold data', async () => {
    const repaired = await lab.exec('head', ['node', bbctl, 'check', '--repair'])
    expect(repaired.stdout).to.match(/^\* session forgotten: .*\n +done: end the session$/m)
    expect(repaired.code, 'there is more to be done').to.equal(1)
    await until({ what: 'the session is gone', seen }, async () => {
      return (await keysBelow(lab, `sessions/${name}`)).length === 0
    })
    const { volume, device, mount } = expected
    const left = [volume, device, mount]
    const found = await look()
    expect(left.filter((what) => !found.some((line) => what.test(line)))).to.deep.equal([])
    expect(await bricksOf(lab, name)).to.deep.equal([orphan])
  })

  it('nothing more, once what it said was done and an agent has mended its brick', async () => {
    const { host, device } = orphan
    const gluster = 'gluster --mode=script volume'
    await must(lab, host, `${gluster} stop ${name} && ${gluster} delete ${name} && umount /data/glusterfs/${device}`)
    await must(lab, 'head', `node ${bbctl} adopt ${host}/${device} --yes`)
    await untilDevice(lab, host, device, 'blank')
    await until({ what: 'none of them is found', deadlineMs: 120_000, seen }, async () => {
      const found = await look()
      return Object.values(expected).every((what) => !found.some((line) => what.test(line)))
    })
    const served = `kill -0 $(cat /run/gluster/vols/${enduring}/*.pid)`
    await until({ what: 'the brick is served again', deadlineMs: 120_000 }, async () => {
      return (await lab.exec('gluster3', ['sh', '-c', served])).code === 0
    })
    await expectNothingLost(lab)
  })

  const bbctl = '/opt/burstbuffer/dist/cli/bbctl.js'
  const seen = async () => (await check()).join('\n')

  /** Exit code 1 says that there are differences. */
  async function check(): Promise<string[]> {
    const { stdout } = await lab.exec('head', ['node', bbctl, 'check', '--json'])
    const found = JSON.parse(stdout) as DifferenceView[]
    return found.map(({ where, what, remedy, safe }) => `${safe ? '* ' : ''}${where}: ${what} > ${remedy}`)
  }

  /** A device node that comes and goes makes a storage host look at once. */
  async function look(): Promise<string[]> {
    const storage = ['gluster1', 'gluster2', 'gluster3']
    await Promise.all(storage.map((host) => must(lab, host, 'touch /dev/look && sleep 1 && rm /dev/look && sleep 1')))
    return check()
  }
})
