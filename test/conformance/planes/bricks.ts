import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { brickCount, type PlaneOptions } from './plane.js'

/** Mounts of memory for the bricks; they go with the mount namespace. */
export function mountBricks({ directory, brickMegabytes }: PlaneOptions): string[] {
  return Array.from({ length: brickCount }, (_, index) => {
    const mount = join(directory, `disk${index}`)
    mkdirSync(mount)
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${brickMegabytes}M`, 'brick', mount])
    const brick = join(mount, 'brick')
    mkdirSync(brick)
    return brick
  })
}
