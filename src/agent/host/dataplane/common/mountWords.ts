import type { GraphParts } from './graphs.js'

/** How a client mounts, whatever the data plane. */
export interface MountWords {
  graph: Omit<GraphParts, 'layers'>
  /** Whether the volume's bricks are. */
  dispersed?: boolean | undefined
  /** Files keep their access control lists. */
  acl?: boolean | undefined
}

/** The last words of the command `glusterfs` that mounts a volume: what the kernel keeps, and where. */
export function mountWords({ graph, dispersed, acl }: MountWords, mountPoint: string): string[] {
  return [
    '--attribute-timeout=0',
    `--entry-timeout=${graph.entryTimeoutSeconds}`,
    // GlusterFS's own choice keeps pages, and does not have the kernel compare times (measured, 10.3).
    graph.keepPages ? '--auto-invalidation=on' : '--fopen-keep-cache=off',
    // Dispersed bricks list old sizes while a file is written: the kernel cut it, and lost what was written through mappings.
    ...(dispersed ? ['--use-readdirp=no'] : []),
    ...(acl ? ['--acl'] : []),
    '--fuse-mountopts=nosuid,nodev',
    // Any user could read the password in the directory .meta of the mount. A name with a slash is never looked up.
    '--xlator-option=meta-autoload.meta-dir-name=no/such',
    '--',
    mountPoint,
  ]
}
