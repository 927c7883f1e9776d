import type { DesiredMount } from '../../model/documents/mount.js'
import { mountIdOf } from '../../model/cluster.js'
import { readDesired } from '../../store/documents.js'
import { keys } from '../../store/keys.js'
import type { Store } from '../../store/store.js'

/*
 * Persistent buffers have one path on a host, whatever the number of jobs there, and one mount for them all. Each job has
 * its document, and reports on it; the mount goes with the last one that wants it.
 *
 * INVARIANTS: documents of one path take turns, from the look at the host to the report; before the unmount all mounts
 * that this host is told are read, linearizably. So a document that came before the look is known, one that comes after it
 * waits for its turn and finds the path as it is then, and what was reported as mounted is never taken away for another.
 */

/** Another document of the host wants the very same mount. One that cannot be read may: what it wants is not known. */
export async function isWantedElsewhere(store: Store, host: string, mount: DesiredMount): Promise<boolean> {
  const { entries } = await store.list(`${keys.desiredOf(host)}mount/`)
  const own = keys.desired(host, 'mount', mountIdOf(mount))
  return entries.some((entry) => {
    if (entry.key === own) return false
    const read = readDesired(entry, { kind: 'mount' })
    if ('invalid' in read) return (entry.value as { path?: unknown } | null)?.path === mount.path
    const other = read.document as DesiredMount
    return (
      other.path === mount.path &&
      /* guard: mount-shared */ other.wanted === 'present' &&
      other.volume === mount.volume &&
      other.directory === mount.directory
    )
  })
}
