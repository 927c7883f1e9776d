import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Plane } from './plane.js'

/** A directory of this machine, for both mounts: what the model says of a file system that is right. */
export function startLocal(directory: string): Plane {
  const mount = join(directory, 'files')
  mkdirSync(mount)
  return { mounts: [mount, mount] }
}
