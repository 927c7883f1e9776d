import type { BufferDocument } from './documents/buffer.js'
import type { MountView } from './documents/mount.js'

/*
 * A buffer's file system, by its access modes. With striped access alone, the volume's root belongs to the user. With private access or
 * swap, the root and the parents of hosts' directories belong to root, so that no user can interfere with the directories in them:
 *
 *   /            root, 0711       not mounted by compute hosts
 *   /striped     the user's       when the job asked for it too
 *   /template    the user's       what was staged in for private access, until every node has its copy; mounted by none of them
 *   /private     root, 0711
 *   /private/H   the user's, one for each compute host H, which alone may mount it
 *   /swap        root, 0700
 *   /swap/H      root, 0700, likewise
 */
export interface VolumeDirectory {
  /** In the volume, parents first. */
  path: string
  uid: number
  gid: number
  mode: number
}

export const templateDirectory = '/template'
export const privateDirectory = '/private'

type Owned = Pick<BufferDocument, 'kind' | 'access' | 'swapBytes' | 'uid' | 'gid' | 'sharedGid'>
type Shape = Pick<BufferDocument, 'access' | 'swapBytes'>

/**
 * The views of a buffer that a job's nodes mount: each of its access modes, then its swap; only the striped mode of a persistent
 * buffer.
 */
export function viewsOf({ kind, access, swapBytes }: Pick<BufferDocument, 'kind'> & Shape): readonly MountView[] {
  if (kind !== 'job') return ['striped']
  return swapBytes === undefined ? access : [...access, 'swap']
}

/**
 * True when compute hosts mount directories of the volume and not its root, each host only those that are meant for it.
 * The root then belongs to root, and not to the user.
 */
export function isByDirectory({ access, swapBytes }: Shape): boolean {
  return access.includes('private') || swapBytes !== undefined
}

/**
 * The directory of the volume that a compute host mounts for that mode: an absolute path in the volume, or the empty
 * string for its root.
 */
export function viewDirectory(buffer: Shape, view: MountView, host: string): string {
  if (view !== 'striped') return `/${view}/${host}`
  return isByDirectory(buffer) ? '/striped' : ''
}

/** Owner (uid, gid) and mode bits of the volume's root. */
export function volumeRoot(buffer: Owned): Omit<VolumeDirectory, 'path'> {
  return isByDirectory(buffer) ? roots(0o711) : usersOwn(buffer)
}

/**
 * What must be made in the volume before these hosts can mount it, parents first and hosts by name. Empty for a buffer
 * that is striped and one user's.
 */
export function volumeDirectories(
  buffer: Owned,
  { hosts, hasTemplate = false }: { hosts: readonly string[]; hasTemplate?: boolean },
): VolumeDirectory[] {
  const own = usersOwn(buffer)
  // The group may be set when the root exists already.
  if (!isByDirectory(buffer)) return buffer.sharedGid === undefined ? [] : [{ path: '/', ...own }]
  const names = [...new Set(hosts)].sort()
  const ofHosts = (view: MountView, owned: Omit<VolumeDirectory, 'path'>) =>
    names.map((host) => ({ path: viewDirectory(buffer, view, host), ...owned }))
  return [
    ...(buffer.access.includes('striped') ? [{ path: '/striped', ...own }] : []),
    ...(hasTemplate ? [{ path: templateDirectory, ...own }] : []),
    ...(buffer.access.includes('private')
      ? [{ path: privateDirectory, ...roots(0o711) }, ...ofHosts('private', own)]
      : []),
    ...(buffer.swapBytes === undefined ? [] : [{ path: '/swap', ...roots(0o700) }, ...ofHosts('swap', roots(0o700))]),
  ]
}

function roots(mode: number): Omit<VolumeDirectory, 'path'> {
  return { uid: 0, gid: 0, mode }
}

/** New files of a group's members belong to the group, by the root's set-group-id bit. */
function usersOwn({ uid, gid, sharedGid }: Owned): Omit<VolumeDirectory, 'path'> {
  return sharedGid === undefined ? { uid, gid, mode: 0o700 } : { uid, gid: sharedGid, mode: 0o2770 }
}
