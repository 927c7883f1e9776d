/** Whether an entry of the mount table is a mount of that directory of that volume, from any server. */
export function isMountOf(
  { volume, directory = '' }: { volume: string; directory?: string | undefined },
  { source, type }: { source: string; type: string },
): boolean {
  return type === 'fuse.glusterfs' && source.endsWith(`:/${volume}${directory}`)
}
