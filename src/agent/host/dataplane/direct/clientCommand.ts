import { logLevel } from './brickCommand.js'
import { type MountWords, mountWords } from '../common/mountWords.js'

/** What a client process is started with. */
export interface ClientProcess extends MountWords {
  volfile: string
  /** What the mount table and `df` call it, behind `glusterfs:`. */
  volume: string
  mountPoint: string
  pidFile: string
  /** Absolute: of another one GlusterFS makes a directory. */
  log: string
}

/** No secret is in it. Throws Error for a path that is not absolute. */
export function clientCommand(client: ClientProcess): [string, ...string[]] {
  const { volfile, volume, mountPoint, pidFile, log } = client
  for (const path of [volfile, mountPoint, pidFile, log])
    if (!path.startsWith('/')) throw new Error(`the path of a client must be absolute: ${path}`)
  return [
    'glusterfs',
    `--volfile=${volfile}`,
    `--volfile-id=${volume}`,
    `--pid-file=${pidFile}`,
    `--log-file=${log}`,
    logLevel,
    ...mountWords(client, mountPoint),
  ]
}
