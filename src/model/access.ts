import type { AccessMode, BufferDocument } from './documents.js'

/*
 * A buffer's file system, by its access modes. Striped alone: the volume's root is the user's. With private, the root and
 * `private` are root's, so that no user can put anything in the way of the directories in them:
 *
 *   /            root, 0711       not mounted by compute hosts
 *   /striped     the user's       when the job asked for both
 *   /private     root, 0711
 *   /private/H   the user's, one for each compute host H, which alone may mount it
 */
export interface VolumeDirectory {
  /** In the volume, parents first. */
  path: string
  uid: number
  gid: number
  mode: number
}

type Owned = Pick<BufferDocument, 'kind' | 'access' | 'uid' | 'gid' | 'sharedGid'>

/** The modes in which a job has the buffer on its nodes: all of its own, and striped of a persistent one. */
export function viewsOf({ kind, access }: Pick<BufferDocument, 'kind' | 'access'>): readonly AccessMode[] {
  return kind === 'job' ? access : ['striped']
}

/** The directory of the volume that a compute host mounts for that mode; empty for the root. */
export function viewDirectory({ access }: Pick<BufferDocument, 'access'>, view: AccessMode, host: string): string {
  if (view === 'private') return `/private/${host}`
  return access.includes('private') ? '/striped' : ''
}

/** Owner and mode of the volume's root. */
export function volumeRoot(buffer: Owned): Omit<VolumeDirectory, 'path'> {
  return buffer.access.includes('private') ? { uid: 0, gid: 0, mode: 0o711 } : usersOwn(buffer)
}

/** What must be made in the volume before these hosts can mount it; nothing for a buffer that is striped and one user's. */
export function volumeDirectories(buffer: Owned, hosts: readonly string[]): VolumeDirectory[] {
  const own = usersOwn(buffer)
  // A group may be named when the root is there already.
  if (!buffer.access.includes('private')) return buffer.sharedGid === undefined ? [] : [{ path: '/', ...own }]
  return [
    ...(buffer.access.includes('striped') ? [{ path: '/striped', ...own }] : []),
    { path: '/private', uid: 0, gid: 0, mode: 0o711 },
    ...[...new Set(hosts)].sort().map((host) => ({ path: viewDirectory(buffer, 'private', host), ...own })),
  ]
}

/** What members of a group make belongs to the group, by the root's set-group-id bit. */
function usersOwn({ uid, gid, sharedGid }: Owned): Omit<VolumeDirectory, 'path'> {
  return sharedGid === undefined ? { uid, gid, mode: 0o700 } : { uid, gid: sharedGid, mode: 0o2770 }
}
