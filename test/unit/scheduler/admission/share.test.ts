import { expect } from 'chai'
import { noGroup, notInGroup } from '../../../../src/scheduler/users/messages.js'
import { admitJob, shareBuffer } from '../../../../src/scheduler/admission/index.js'
import { groupToShareWith, problemWithCreator } from '../../../../src/scheduler/users/permissions.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/index.js'
import {
  accountEntries,
  alice,
  aBuffer,
  aCluster,
  aHost,
  aSession,
  bob,
  brickReports,
  pool,
  terabyte,
} from '../../../support/builders.js'
import * as messages from '../../../../src/scheduler/admission/messages.js'

const project = 30001
const shared = aBuffer({ name: 'ours', builtAt: 1, sharedGid: project })
const clusterOf = (buffer: typeof shared) =>
  aCluster({
    hosts: [aHost('gluster1')],
    buffers: [buffer],
    sessions: [aSession({ token: buffer.name, buffer: buffer.name })],
    observed: brickReports(buffer),
  })
const context = {
  config: { pools: { [pool]: { granularityBytes: terabyte, isDefault: true } } },
  now: 1,
  newUuid: () => '',
} as unknown as Parameters<typeof admitJob>[2]

describe('a buffer that is shared with a group', () => {
  const use = (buffer: typeof shared, groups: number[]) =>
    admitJob(
      clusterOf(buffer),
      { token: '7', ...bob, groups, pool: undefined, bytes: 0, access: ['striped'], uses: [buffer.name] },
      context,
    )

  it('is used by members of the group, and by nobody else', () => {
    expect(use(shared, [bob.gid, project])).to.not.have.property('refused')
    expect(use(shared, [bob.gid]))
      .to.have.property('refused')
      .that.equals(messages.ownedByAnother('persistent buffer "ours"'))
    expect(use(aBuffer({ name: 'hers', builtAt: 1 }), [bob.gid, project])).to.have.property('refused')
  })

  it('has a root that the group may write to, also when it was made before the group was named', () => {
    const settings = { adminClients: [], computeNetworks: [] }
    const records = desiredOfBuffer(clusterOf(shared), shared, settings).map(({ document }) => document)
    const volume = records.find((document) => document.kind === 'volume')
    expect(volume).to.have.deep.property('directories', [{ path: '/', uid: alice.uid, gid: project, mode: 0o2770 }])
  })

  it('is shared by its owner alone', () => {
    const cluster = clusterOf(aBuffer({ name: 'hers' }))
    const share = (uid: number) => shareBuffer(cluster, { name: 'hers', uid, gid: project })
    expect(share(bob.uid)).to.have.property('refused')
    expect(share(alice.uid)).to.have.nested.property('changes[0].document.sharedGid', project)
  })
})

describe('who is in which group', () => {
  const accounts = {
    groupId: (name: string) => Promise.resolve(name === 'project' ? project : undefined),
    groupsOf: (uid: number) => Promise.resolve(uid === alice.uid ? [alice.gid, project] : [uid]),
    lookUp: (uid: number) => Promise.resolve(new Map(accountEntries).get(uid)),
  }
  const inPool = (rights: object) => ({ name: pool, granularityBytes: terabyte, isDefault: true, ...rights })

  it('decides with whom an owner may share', async () => {
    expect(await groupToShareWith(accounts, alice.uid, 'project')).to.deep.equal({ gid: project })
    expect(await groupToShareWith(accounts, bob.uid, 'project')).to.deep.equal({ refused: notInGroup('project') })
    expect(await groupToShareWith(accounts, alice.uid, 'nosuch')).to.deep.equal({ refused: noGroup('nosuch') })
  })

  it('decides who may create persistent buffers, where a pool says so', async () => {
    expect(await problemWithCreator(accounts, inPool({}), bob.uid)).to.equal(undefined)
    expect(await problemWithCreator(accounts, inPool({ persistentGroups: ['project'] }), alice.uid)).to.equal(undefined)
    expect(await problemWithCreator(accounts, inPool({ persistentUsers: ['bob'] }), bob.uid)).to.equal(undefined)
    expect(await problemWithCreator(accounts, inPool({ persistentUsers: ['alice'] }), bob.uid)).to.match(/may not/)
  })
})
