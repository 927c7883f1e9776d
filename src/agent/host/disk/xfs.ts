/** Label of a brick's file system: with the uuid it distinguishes a brick from any other XFS. At most 12 characters. */
export function labelOf(uuid: string): string {
  return `bb-${uuid.replaceAll('-', '').slice(0, 9)}`
}

/** Whether the label is one that `labelOf` makes. The uuid says which brick it is. */
export function isOurLabel(label: string): boolean {
  return /^bb-[0-9a-f]{9}$/.test(label)
}

/**
 * The superblock at the start of an XFS, or undefined when there is none. Source: XFS on-disk format, struct xfs_dsb:
 * magic at 0, sb_uuid at 32, sb_fname (12 bytes) at 108, sb_inprogress at 126, which mkfs clears as its last act.
 */
export function readSuperblock(start: Buffer): { uuid: string; label: string; inProgress: boolean } | undefined {
  if (start.length < 512 || start.toString('latin1', 0, 4) !== 'XFSB') return undefined
  const hex = start.toString('hex', 32, 48)
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  const name = start.subarray(108, 120)
  const end = name.indexOf(0)
  return { uuid, label: name.toString('latin1', 0, end < 0 ? 12 : end), inProgress: start[126] !== 0 }
}
