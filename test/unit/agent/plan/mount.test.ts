import { expect } from 'chai'
import type { MountFacts } from '../../../../src/agent/port/host.js'
import { bricksToBeConnected, pathToBeFree, swapToBeOff } from '../../../../src/agent/plan/messages.js'
import { planMount } from '../../../../src/agent/plan/mount.js'
import { describeStep } from '../../../../src/agent/port/steps.js'
import type { DesiredMount } from '../../../../src/model/documents/mount.js'
import { aDesiredMount, mountFacts } from '../../../support/desired.js'

function planned(facts: MountFacts, mount: Partial<DesiredMount> = {}) {
  const { steps, waitingFor, refused, report } = planMount(aDesiredMount(mount), facts)
  return { steps: steps.map(describeStep), waitingFor, refused, state: report.state }
}

const path = '/mnt/burstbuffer/3.20/striped'
const absent = { wanted: 'absent' } as const
const ours = { source: 'gluster1:/3', type: 'fuse.glusterfs' }
const others = [
  { source: 'gluster1:/13', type: 'fuse.glusterfs' },
  { source: 'gluster1:/3', type: 'nfs4' },
  { source: '/dev/sda1', type: 'ext4' },
]

describe('the plan of a mount that is wanted', () => {
  it('is empty on a host that is as desired', () => {
    expect(planned(mountFacts({ mounted: ours, alive: true }))).to.deep.equal({
      steps: [],
      waitingFor: [],
      refused: undefined,
      state: 'mounted',
    })
  })

  it('mounts what is not mounted', () => {
    expect(planned(mountFacts())).to.include({ state: 'forming' })
    expect(planned(mountFacts()).steps).to.deep.equal([`mount 3 at ${path}`])
  })

  it('renews the certificate of a mount, also of one that no brick believes any more', () => {
    for (const alive of [true, false])
      expect(planned(mountFacts({ mounted: ours, alive, hasOldCertificate: true }))).to.deep.equal({
        steps: [`renew the certificate of ${path}`],
        waitingFor: [],
        refused: undefined,
        state: alive ? 'mounted' : 'forming',
      })
    expect(planned(mountFacts({ mounted: others[0]!, alive: true, hasOldCertificate: true })).steps).to.deep.equal([])
    expect(planned(mountFacts({ mounted: ours, alive: true, hasOldCertificate: true }), absent).steps).to.deep.equal([
      `unmount ${path}`,
    ])
  })

  it('takes a dead mount off before it mounts anew', () => {
    expect(planned(mountFacts({ mounted: ours, alive: false })).steps).to.deep.equal([
      `unmount ${path}`,
      `mount 3 at ${path}`,
    ])
  })

  it('waits while the mount shows fewer bytes than all bricks have, and leaves it alone', () => {
    const login = { user: 'u', password: 'p'.repeat(43) }
    const bricks = [{ address: 'gluster1', port: 29_000 }]
    const mount = { direct: { export: 'striped', login, bricks, minBytes: 1500 } }
    const mounted = { source: 'glusterfs:3.striped', type: 'fuse.glusterfs' }
    const { steps, waitingFor, state } = planned(mountFacts({ mounted, alive: true, shownBytes: 1499 }), mount)
    expect([steps, state]).to.deep.equal([[], 'forming'])
    expect(waitingFor).to.deep.equal([bricksToBeConnected(path, 1499, 1500)])
    expect(planned(mountFacts({ mounted, alive: true, shownBytes: 1500 }), mount).state).to.equal('mounted')
  })

  it('does not mind which server a mount was made from', () => {
    const mounted = { ...ours, source: 'gluster2:/3' }
    expect(planned(mountFacts({ mounted, alive: true })).state).to.equal('mounted')
  })

  for (const mounted of others) {
    it(`waits while ${mounted.type} of ${mounted.source} is mounted at its path`, () => {
      const { steps, waitingFor, state } = planned(mountFacts({ mounted, alive: true }))
      expect([steps, state]).to.deep.equal([[], 'forming'])
      expect(waitingFor).to.deep.equal([pathToBeFree(path, mounted.source)])
    })
  }
})

describe('what an agent left that died when it had unmounted', () => {
  it('is taken off, unless another session mounts there', () => {
    const { steps, state } = planned(mountFacts({ isLeft: true }), absent)
    expect([steps, state]).to.deep.equal([[`unmount ${path}`], 'leaving'])
    expect(planned(mountFacts({ isLeft: true, isWantedElsewhere: true }), absent).steps).to.deep.equal([])
  })
})

describe('a mount that others share', () => {
  it('is absent for the one that does not want it any more, and stays', () => {
    const facts = mountFacts({ mounted: ours, alive: true, isWantedElsewhere: true })
    expect(planned(facts, absent)).to.deep.include({ steps: [], state: 'absent' })
  })

  it('goes with the last one', () => {
    const facts = mountFacts({ mounted: ours, alive: true, isWantedElsewhere: false })
    expect(planned(facts, absent)).to.deep.include({ steps: [`unmount ${path}`], state: 'leaving' })
  })
})

describe('the mount of a swap file', () => {
  const swap = { view: 'swap', directory: '/swap/c1' } as const
  const mounted = { source: 'gluster1:/3/swap/c1', type: 'fuse.glusterfs' }
  const told = [swapToBeOff('/dev/loop7')]

  it('stays while a loop device is attached to a file in it, wanted or not, dead or alive', () => {
    for (const alive of [true, false]) {
      const facts = mountFacts({ mounted, alive, loops: ['/dev/loop7'] })
      expect(planned(facts, { ...swap, ...absent })).to.deep.include({ steps: [], waitingFor: told, state: 'leaving' })
    }
    const dead = mountFacts({ mounted, alive: false, loops: ['/dev/loop7'] })
    expect(planned(dead, swap)).to.deep.include({ steps: [], waitingFor: told, state: 'forming' })
  })

  it('goes when none is', () => {
    const { steps } = planned(mountFacts({ mounted, alive: true, loops: [] }), { ...swap, ...absent })
    expect(steps).to.deep.equal([`unmount ${path}`])
  })
})

describe('the plan of a mount that has to go', () => {
  it('is empty once nothing is mounted at its path', () => {
    expect(planned(mountFacts(), absent)).to.deep.equal({
      steps: [],
      waitingFor: [],
      refused: undefined,
      state: 'absent',
    })
  })

  it('unmounts it, alive or dead', () => {
    for (const alive of [true, false]) {
      const { steps, state } = planned(mountFacts({ mounted: ours, alive }), absent)
      expect([steps, state]).to.deep.equal([[`unmount ${path}`], 'leaving'])
    }
  })

  it('ends what its job left in it first, and takes what lies on top off first', () => {
    const leftovers = { signal: 'SIGKILL', below: [`${path}/a/b`, `${path}/a`] } as const
    const facts = mountFacts({ mounted: ours, alive: true, leftovers: { ...leftovers, below: [...leftovers.below] } })
    expect(planned(facts, absent).steps).to.deep.equal([
      `send SIGKILL to users' processes in ${path}`,
      `unmount ${path}/a/b, which a user mounted in ${path}`,
      `unmount ${path}/a, which a user mounted in ${path}`,
      `unmount ${path}`,
    ])
    for (const kept of [{ ...facts, isWantedElsewhere: true }]) expect(planned(kept, absent).steps).to.deep.equal([])
    expect(planned({ ...facts, alive: false }).steps).to.deep.equal([`unmount ${path}`, `mount 3 at ${path}`])
  })

  for (const mounted of others) {
    it(`leaves ${mounted.type} of ${mounted.source} at its path alone`, () => {
      const { steps, state } = planned(mountFacts({ mounted, alive: true }), absent)
      expect([steps, state]).to.deep.equal([[], 'absent'])
    })
  }
})
