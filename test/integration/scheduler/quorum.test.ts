import { expect } from 'chai'
import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../../lab/common/until.js'
import { alice, pool } from '../../support/builders.js'
import { type Members, needsEtcd, startMembers } from '../../support/etcd.js'
import { StandaloneRig } from '../../support/standaloneRig.js'

/** Longer than every lease; QUORUM_LOST_SECONDS=300 plays the five minutes of docs/safety.md. */
const seconds = Number(process.env['QUORUM_LOST_SECONDS'] ?? 25)

describe(`etcd without a quorum for ${seconds} seconds`, function () {
  this.timeout((seconds + 240) * 1000)
  const rig = new StandaloneRig()
  let members: Members
  let held: string[]

  before(async function () {
    needsEtcd(this)
    members = await startMembers(3)
    await rig.start(members.urls)
    await until({ what: 'a pool of six' }, async () => (await rig.slurm('pools')).text.includes('"free":6'))
    await insist(
      `setup --token 5 --user ${alice.uid} --groupid ${alice.gid} --capacity ${pool}:2TB`,
      create('kept'),
      create('doomed'),
      `pre_run --token 5 --nodehostnamefile ${rig.file('nodes', 'c1\n')}`,
    )
    held = rig.holds()
  })
  after(async () => {
    await rig.stop()
    await members?.stop()
  })

  const create = (name: string) =>
    `create_persistent -c CLI -t ${name} -u ${alice.uid} -C ${pool}:1TB -a striped -T scratch`

  it('takes nothing away meanwhile, whatever is asked for, and does it when etcd is back', async () => {
    expect(held.filter((line) => line.startsWith('c1 has 5 mounted'))).to.have.lengthOf(1)
    const frozen = [0, 1]
    for (const index of frozen) members.signal(index, 'SIGSTOP')
    const end = performance.now() + seconds * 1000
    const going = untilDone('teardown --token doomed --hurry')
    const coming = untilDone(create('late'))
    for (; performance.now() < end; await pause(200)) {
      expect(rig.holds(), 'what hosts hold').to.deep.equal(held)
    }
    for (const index of frozen) members.signal(index, 'SIGCONT')
    await Promise.all([going, coming])
    const kept = held.filter((line) => !line.includes('doomed'))
    const isOfJob = (line: string) => line.startsWith('c1 ') || / serves (5|kept) /.test(line)
    expect(rig.holds()).to.include.members(kept.filter(isOfJob))
    expect(rig.holds().join()).to.contain('serves late')
    // The teardown does not wait for a host whose key ran out meanwhile: such a host cleans up when it is back.
    const gone = { what: 'nothing is left of doomed', seen: () => Promise.resolve(rig.holds().join()) }
    await until(gone, () => Promise.resolve(!rig.holds().join().includes('doomed')))
    await insist('post_run --token 5', 'teardown --token 5')
  })

  /** As slurmctld does: asked again until it is done. */
  async function untilDone(line: string): Promise<void> {
    let last = ''
    const options = { what: line, deadlineMs: (seconds + 180) * 1000, seen: () => Promise.resolve(last) }
    await until(options, async () => {
      const { code, text } = await rig.slurm(line)
      last = text
      return code === 0 || text.includes('token not found')
    })
  }

  async function insist(...lines: string[]): Promise<void> {
    for (const line of lines) {
      const { code, text } = await rig.slurm(line)
      expect(code, `${line}: ${text}`).to.equal(0)
    }
  }
})
