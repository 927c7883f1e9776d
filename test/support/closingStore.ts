import { openStore } from '../../src/store/etcd.js'

/* A process that uses all that a store has, closes it, and then has nothing left to do: it must end by itself. */
const store = openStore({ endpoints: [process.argv[2]!] })
const synced = new Promise<void>((resolve) => store.watch('', { onChanges: () => {}, onSynced: () => resolve() }))
const lease = await store.lease(30)
await store.write([], [{ put: 'hosts/closing', value: { v: 1 }, lease }])
await synced
lease.letExpire()
await store.close()
process.stdout.write('closed')
