import { FakeEtcd, type FakeStore } from '../../../src/store/fake.js'
import { storeContract } from '../../support/storeContract.js'

describe('the store in memory', () => {
  const stores: FakeStore[] = []
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
  })

  storeContract(() => {
    const etcd = new FakeEtcd()
    const [store, other] = [etcd.open(), etcd.open()]
    stores.push(store, other)
    return { store, other }
  })
})
