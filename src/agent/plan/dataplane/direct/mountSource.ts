/** By this name a client's mount of an export of a volume stands in the mount table. No volume's name has a dot. */
export function mountName({ volume, export: name }: { volume: string; export: string }): string {
  return `${volume}.${name}`
}

/** What the mount table says of a mount of that export of that volume, as GlusterFS's client writes it. */
export function isMountOf(
  wanted: { volume: string; export: string },
  { source, type }: { source: string; type: string },
): boolean {
  return type === 'fuse.glusterfs' && source === `glusterfs:${mountName(wanted)}`
}
