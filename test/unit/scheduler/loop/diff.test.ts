import { expect } from 'chai'
import type { BufferDocument } from '../../../../src/model/documents/buffer.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { refusedFields } from '../../../../src/model/levels.js'
import { differenceOf } from '../../../../src/scheduler/loop/diff.js'
import type { DesiredRecord } from '../../../../src/model/desiredRecord.js'
import { desiredOfBuffer } from '../../../../src/scheduler/desired/index.js'
import { keys } from '../../../../src/store/keys.js'
import type { Write } from '../../../../src/store/store.js'
import { setAddedFields } from '../../../support/addedFields.js'
import { aBuffer, aCluster, aHost } from '../../../support/builders.js'
import { aConfig } from '../../../support/decisions.js'
import { aDesiredBrick } from '../../../support/desired.js'
import { Rig } from '../../../support/schedulerRig.js'

const buffer = aBuffer()
const brickKey = 'desired/gluster1/brick/nvme1n1'

async function difference(
  documents: Record<string, object>,
  of: BufferDocument = buffer,
  owned: string[] = [],
  more: object = {},
) {
  const rig = await Rig.start({ leads: false })
  for (const [put, value] of Object.entries(documents)) rig.etcd.write([], [{ put, value }])
  await rig.quiet()
  const records = desiredOfBuffer(rig.cache, of, aConfig()).map(
    (want) => ({ ...want, document: { ...want.document, ...more } }) as DesiredRecord,
  )
  return differenceOf(rig.cache, 9, records, new Set(owned), silentLog)
}
const sentences = async (...args: Parameters<typeof difference>) =>
  (await difference(...args)).map(({ writes }) => writes.map(sentence).join(', '))
const sentence = (write: Write) =>
  'put' in write ? `put ${write.put}` : `delete ${'delete' in write ? write.delete : ''}`

function brickOf(document: BufferDocument, fence = 3): object {
  const cluster = aCluster({ buffers: [document] })
  return { ...desiredOfBuffer(cluster, document, aConfig())[0]!.document, fence }
}

describe('what is written so that hosts are told what is wanted', () => {
  it('is what is missing, under the fence and only if it is missing still', async () => {
    const [change] = await difference({ [keys.buffer('mytest')]: buffer })
    expect(change!.compares).to.deep.equal([{ key: brickKey, modRevision: 0 }])
    expect(change!.writes[0]).to.have.nested.property('value.fence', 9)
  })

  it('is nothing for a key that differs by its fence alone', async () => {
    expect(await sentences({ [keys.buffer('mytest')]: buffer, [brickKey]: brickOf(buffer) })).to.deep.equal([])
  })

  it('is what differs in anything else', async () => {
    const other = brickOf({ ...buffer, uid: 7 })
    expect(await sentences({ [keys.buffer('mytest')]: buffer, [brickKey]: other })).to.deep.equal([`put ${brickKey}`])
  })

  it('takes away what the owner has and wants no more', async () => {
    const brick = brickOf(buffer)
    const owned = 'desired/gluster2/brick/nvme1n1'
    const documents = { [keys.buffer('mytest')]: buffer, [brickKey]: brick, [owned]: brick }
    expect(await sentences(documents, buffer, [owned])).to.deep.equal([`delete ${owned}`])
  })
})

describe('a volume', () => {
  const two = aBuffer({ bricks: ['gluster1/nvme1n1', 'gluster2/nvme1n1'], builtAt: 1 })
  const [here, there] = ['desired/gluster1/volume/mytest', 'desired/gluster2/volume/mytest']
  const alive = (host: string) => ({ [keys.host(host)]: aHost(host).host })
  const told = desiredOfBuffer(aCluster({ buffers: [two] }), two, aConfig()).find(({ kind }) => kind === 'volume')!
  const begun: Record<string, object> = {
    [keys.buffer('mytest')]: two,
    [here]: { ...told.document, fence: 3 },
    ...alive('gluster2'),
  }
  const ofVolume = async (documents: Record<string, object>, owned = [here]) =>
    (await difference(documents, two, owned)).filter(({ name }) => name.includes('/volume/'))

  it('goes from a host that is lost to another in one step, as long as that one is away', async () => {
    const [change, ...others] = await ofVolume(begun)
    expect(others).to.deep.equal([])
    expect(change!.writes.map(sentence)).to.have.members([`put ${there}`, `delete ${here}`])
    expect(change!.compares).to.deep.include({ key: keys.host('gluster1'), modRevision: 0 })
  })

  it('stays with the host that was told of it while that one is alive', async () => {
    const both = { ...begun, ...alive('gluster1') }
    expect(await ofVolume(both)).to.deep.equal([])
    const { [here]: moved, ...rest } = both
    expect(await ofVolume({ ...rest, [there]: moved! }, [there])).to.deep.equal([])
  })

  it('stays where it was told of when the other host cannot be told', async () => {
    const unknown = { [keys.host('gluster2')]: { ...aHost('gluster2').host, versions: { documents: '8-9' } } }
    expect(await ofVolume({ ...begun, ...unknown })).to.deep.equal([])
  })
})

describe('a device', () => {
  const other = aBuffer({ id: 11, name: 'other' })

  it('is never given to a buffer whose document does not name it', async () => {
    expect(await sentences({})).to.deep.equal([])
    expect(await sentences({ [keys.buffer('other')]: other })).to.deep.equal([])
  })

  it('is never taken from a buffer that names it still', async () => {
    const documents = {
      [keys.buffer('other')]: other,
      [brickKey]: brickOf(other),
      [keys.buffer('mytest')]: buffer,
    }
    expect(await sentences(documents)).to.deep.equal([])
  })

  it('is taken over from a buffer that is gone', async () => {
    const documents = { [keys.buffer('mytest')]: buffer, [brickKey]: brickOf(other) }
    expect(await sentences(documents)).to.deep.equal([`put ${brickKey}`])
  })

  it('is not taken over while some buffer cannot be read, which may be that one', async () => {
    const documents = { [keys.buffer('mytest')]: buffer, [brickKey]: brickOf(other), 'buffers/broken': { v: 9 } }
    expect(await sentences(documents)).to.deep.equal([])
  })
})

describe('a host of another release', () => {
  let restore: () => void
  beforeEach(() => (restore = setAddedFields({ 'desired/brick': { later: { since: 2 } } })))
  afterEach(() => restore())

  const alive = (documents?: string) => {
    const { host } = aHost('gluster1')
    return { [keys.host('gluster1')]: { ...host, versions: documents === undefined ? {} : { documents } } }
  }
  const written = async (documents: Record<string, object>) =>
    (await difference({ [keys.buffer('mytest')]: buffer, ...documents }, buffer, [], { later: 1 })).map(
      ({ writes: [write] }) => (write && 'put' in write ? write.value : undefined),
    )
  const without = brickOf(buffer, 9)
  const whole = { ...without, later: 1 }

  it('is told without the fields that it does not know', async () => {
    expect(await written(alive('1-1'))).to.deep.equal([without])
    expect(await written(alive())).to.deep.equal([without])
    expect(await written(alive('1-2'))).to.deep.equal([whole])
  })

  it('is told anew when it comes to know more, and when it knows less', async () => {
    expect(await written({ ...alive('1-1'), [brickKey]: without })).to.deep.equal([])
    expect(await written({ ...alive('1-2'), [brickKey]: without })).to.have.length(1)
    expect(await written({ ...alive('1-1'), [brickKey]: whole })).to.have.length(1)
  })

  it('is told nothing that it may not have without a field, nor anything when no level is known to both', async () => {
    expect(await written(alive('8-9'))).to.deep.equal([])
    restore()
    restore = setAddedFields({ 'desired/brick': { later: { since: 2, refuse: true } } })
    expect(await written(alive())).to.deep.equal([])
    expect(await written(alive('1-2'))).to.have.length(1)
  })

  it('is not told of a brick whose wipe it does not know, rather than to wipe it less than was promised', () => {
    const fields = (wipe?: string) =>
      refusedFields(aDesiredBrick({ ...(wipe ? { wipe: 'zero' } : {}) }), 'desired/brick', 1)
    restore()
    expect(fields('zero')).to.deep.equal(['wipe'])
    expect(fields()).to.deep.equal([])
  })
})
