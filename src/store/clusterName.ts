import { clusterDocument } from '../model/documents/cluster.js'
import { readDocument } from './documents.js'
import { keys } from './keys.js'
import { type Store, StoreError } from './store.js'

/*
 * The cluster to which this etcd belongs. Two clusters with one prefix would mix up their ids, names and job ids. So the first scheduler
 * records its cluster's name, and programs of other clusters do nothing here.
 */

/** The name that is recorded; undefined before a scheduler of this release has started. Throws a StoreError. */
export async function recordedCluster(store: Store): Promise<string | undefined> {
  const entry = await store.get(keys.cluster)
  if (!entry) return undefined
  const read = readDocument(entry, clusterDocument)
  if ('document' in read) return read.document.name
  throw new StoreError(`etcd key ${read.invalid}`)
}

/** Records this name if there is none, and returns the recorded one. Throws a StoreError; may be repeated. */
export async function recordCluster(store: Store, name: string): Promise<string> {
  const recorded = await recordedCluster(store)
  if (recorded !== undefined) return recorded
  const value = { v: 1, name }
  const { won } = await store.write([{ key: keys.cluster, modRevision: 0 }], [{ put: keys.cluster, value }])
  return won ? name : recordCluster(store, name)
}
