import { mountWords, type MountWords } from '../common/mountWords.js'
import type { MountSource } from '../dataPlane.js'

/**
 * Layers that glusterd puts into every client's volfile and our graphs do not have, and how a client is told to go without them.
 * So the volume itself stays as GlusterFS makes it, and whoever mounts it by hand too. quick-read has no `pass-through` (10.3).
 */
const withoutLayers = ['open-behind.pass-through=true', 'md-cache.pass-through=true', 'quick-read.max-file-size=0']

/** The servers give the volfile, the first that answers. `mount -t glusterfs` cannot be told to keep no pages (10.3). */
export function clientCommand(
  { servers, volume, directory }: MountSource,
  mountPoint: string,
  words: MountWords,
): [string, ...string[]] {
  return [
    'glusterfs',
    ...servers.map((server) => `--volfile-server=${server}`),
    `--volfile-id=/${volume}`,
    ...(directory ? [`--subdir-mount=${directory}`] : []),
    '--process-name=fuse',
    ...withoutLayers.map((option) => `--xlator-option=*-${option}`),
    ...mountWords(words, mountPoint),
  ]
}
