import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { type Change, LeaseGone, maxOperations, type Store, StoreError } from '../../src/store/store.js'

/** What every store does, in memory or on etcd: `open` gives two doors to the same keys, empty below `prefix`. */
export function storeContract(open: () => { store: Store; other: Store }): void {
  let store: Store
  let other: Store
  let round = 0
  beforeEach(() => {
    ;({ store, other } = open())
    round++
  })

  const key = (rest: string) => `contract${round}/${rest}`
  const put = (rest: string, value: object | string = { v: 1 }) => ({ put: key(rest), value })
  const names = async () => (await store.list(key(''))).entries.map((entry) => entry.key.slice(key('').length))

  it('gives nothing for a key that is absent', async () => {
    expect(await store.get(key('absent'))).to.equal(undefined)
  })

  it('shows what one program wrote to every other', async () => {
    const written = await store.write([], [put('a', { v: 1, text: 'x' }), put('b', 'mount it')])
    const [a, b] = [await other.get(key('a')), await other.get(key('b'))]
    expect(a?.value).to.deep.equal({ v: 1, text: 'x' })
    expect(b?.value).to.equal('mount it')
    expect(written).to.deep.equal({ won: true, revision: a?.modRevision })
    expect(a?.createRevision).to.equal(a?.modRevision)
  })

  it('keeps the create revision when a key is written again, not when it was deleted between', async () => {
    await store.write([], [put('a')])
    const first = (await store.get(key('a')))!
    await store.write([], [put('a', { v: 1, again: true })])
    const second = (await store.get(key('a')))!
    expect(second.createRevision).to.equal(first.createRevision)
    expect(second.modRevision).to.be.above(first.modRevision)
    await store.write([], [{ delete: key('a') }])
    await store.write([], [put('a')])
    expect((await store.get(key('a')))!.createRevision).to.be.above(second.modRevision)
  })

  it('lists what begins with the prefix, in the order of the keys', async () => {
    await store.write([], [put('b'), put('a'), put('a/c'), { put: `${key('').slice(0, -1)}0`, value: { v: 1 } }])
    expect(await names()).to.deep.equal(['a', 'a/c', 'b'])
  })

  it('creates a key only if it is absent', async () => {
    const create = () => store.write([{ key: key('a'), modRevision: 0 }], [put('a')])
    expect(await create()).to.have.property('won', true)
    expect(await create()).to.deep.equal({ won: false })
  })

  it('writes nothing when the key of a fence was made anew', async () => {
    await store.write([], [put('leader')])
    const fence = (await store.get(key('leader')))!.createRevision
    await store.write([], [{ delete: key('leader') }])
    await store.write([], [put('leader')])
    expect(await store.write([{ key: key('leader'), createRevision: fence }], [put('late')])).to.deep.equal({
      won: false,
    })
    expect(await names()).to.deep.equal(['leader'])
  })

  it('deletes all that begins with a prefix, and nothing beside it', async () => {
    await store.write([], [put('a/1'), put('a/2'), put('ab')])
    await store.write([], [{ deletePrefix: key('a/') }])
    expect(await names()).to.deep.equal(['ab'])
  })

  const refusal = (writes: Parameters<Store['write']>[1]) =>
    store.write([], writes).then(
      () => undefined,
      (error: unknown) => error,
    )

  it('refuses a transaction that writes one key twice, or deletes what it writes', async () => {
    expect(await refusal([put('a'), put('a')])).to.be.instanceOf(StoreError)
    expect(await refusal([put('a'), { delete: key('a') }])).to.be.instanceOf(StoreError)
    expect(await refusal([{ deletePrefix: key('a') }, put('a/1')])).to.be.instanceOf(StoreError)
    expect(await names()).to.deep.equal([])
  })

  it('takes as many operations as it promises, and refuses one more, and none', async () => {
    const puts = (count: number) => Array.from({ length: count }, (_, index) => put(`k${index}`))
    expect(await refusal(puts(maxOperations))).to.equal(undefined)
    expect(await refusal(puts(maxOperations + 1))).to.be.instanceOf(StoreError)
    expect(await refusal([])).to.be.instanceOf(StoreError)
  })

  it('tells a watch what is there, then that it is in step, then what changes', async () => {
    await store.write([], [put('a'), put('b')])
    const story: string[] = []
    const tell = (change: Change) => story.push(`${change.key.slice(key('').length)} ${change.entry ? 'is' : 'gone'}`)
    const watch = store.watch(key(''), {
      onChanges: (changes) => changes.forEach(tell),
      onSynced: () => story.push('synced'),
    })
    await until({ what: 'synced' }, () => Promise.resolve(story.includes('synced')))
    await other.write([], [put('c'), { delete: key('a') }])
    await other.write([], [{ delete: key('absent') }, put('d')])
    await until({ what: 'd is told' }, () => Promise.resolve(story.includes('d is')))
    expect(story.slice(0, 3)).to.deep.equal(['a is', 'b is', 'synced'])
    expect([...story.slice(3)].sort()).to.deep.equal(['a gone', 'c is', 'd is'])
    await watch.close()
  })

  it('takes the keys of a lease away when it is revoked, but not one that was written again without it', async () => {
    const lease = await store.lease(10)
    let lost = 0
    lease.onLost(() => lost++)
    await store.write(
      [],
      [
        { ...put('mine'), lease },
        { ...put('kept'), lease },
      ],
    )
    await store.write([], [put('kept')])
    expect(lease.isHeld()).to.equal(true)
    await lease.revoke()
    expect(lease.isHeld()).to.equal(false)
    expect(lost).to.equal(1)
    expect(await names()).to.deep.equal(['kept'])
  })

  it('refuses a write under a lease that is gone', async () => {
    const lease = await store.lease(10)
    await lease.revoke()
    expect(await refusal([{ ...put('a'), lease }])).to.be.instanceOf(LeaseGone)
  })
}
