import { openStore } from '../../../src/store/etcd.js'
import type { Store } from '../../../src/store/store.js'
import { needsEtcd, startEtcd, type TestEtcd } from '../../support/etcd.js'
import { storeContract } from '../../support/storeContract.js'

describe('the store on etcd', () => {
  let etcd: TestEtcd
  let stores: Store[] = []

  before(async function () {
    needsEtcd(this)
    etcd = await startEtcd()
  })
  afterEach(async () => {
    for (const store of stores) await store.close()
    stores = []
  })
  after(() => etcd?.stop())

  storeContract(() => {
    const [store, other] = [openStore({ endpoints: [etcd.url] }), openStore({ endpoints: [etcd.url] })]
    stores = [store, other]
    return { store, other }
  })
})
