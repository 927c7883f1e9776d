import type { DesiredMount } from '../../model/documents/mount.js'
import { mountIdOf } from '../../model/cluster.js'
import { readDesired } from '../../store/documents.js'
import { keys } from '../../store/keys.js'
import type { Store } from '../../store/store.js'

/*
 * A persistent buffer has one path on a host, and one mount for all jobs there. Each job has its own document and
 * report; the mount is removed with the last document that wants it.
 *
 * INVARIANTS: documents of one path take turns, from the observation to the report; before the unmount all mount
 * documents of this host are read, linearizably. So a document that came before that read is known; a later one waits
 * for its turn and observes the path then; and a mount that was reported is never removed for another document.
 */

/**
 * Whether another document of the host wants the same mount. A document for that path that cannot be read counts as
 * one.
 */
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
