import { logLevel } from './brickCommand.js'
import type { GraphParts } from './graphs.js'

/** What a client process is started with. */
export interface ClientProcess {
  volfile: string
  /** What the mount table and `df` call it, behind `glusterfs:`. */
  volume: string
  mountPoint: string
  pidFile: string
  /** Absolute: of another one GlusterFS makes a directory. */
  log: string
  graph: Omit<GraphParts, 'layers'>
  /** Whether the volume's bricks are. */
  dispersed: boolean
  /** Files keep their access control lists. */
  acl?: boolean
}

/** No secret is in it. Throws Error for a path that is not absolute. */
export function clientCommand(client: ClientProcess): [string, ...string[]] {
  const { volfile, volume, mountPoint, pidFile, log, graph, dispersed, acl } = client
  for (const path of [volfile, mountPoint, pidFile, log])
    if (!path.startsWith('/')) throw new Error(`the path of a client must be absolute: ${path}`)
  return [
    'glusterfs',
    `--volfile=${volfile}`,
    `--volfile-id=${volume}`,
    `--pid-file=${pidFile}`,
    `--log-file=${log}`,
    logLevel,
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
