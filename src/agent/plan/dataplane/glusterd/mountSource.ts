/** What the mount table says of a mount of that directory of that volume: from whichever server, and named by GlusterFS's client. */
export function isMountOf(
  { volume, directory = '' }: { volume: string; directory?: string | undefined },
  { source, type }: { source: string; type: string },
): boolean {
  return type === 'fuse.glusterfs' && source.endsWith(`:/${volume}${directory}`)
}
