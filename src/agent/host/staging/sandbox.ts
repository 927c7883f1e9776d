import { existsSync } from 'node:fs'
import { join } from 'node:path'

/*
 * The mount namespace in which staging programs run. sandbox.c creates one for each program, and it ends with the
 * program, so there is nothing to track or to clean up.
 */

/** Where the new root is created, in that namespace only. */
export const sandboxRoot = '/run/burstbuffer-agent/sandbox'

/** Where `npm run build` puts the program, relative to the source and to the compiled file. */
const places = ['../../../../dist/bin/sandbox', '../../../bin/sandbox']
const program = places.map((place) => join(import.meta.dirname, place)).find((path) => existsSync(path))

/**
 * The command that runs `argv` so that it sees only the directories `sees` of the host. It starts as root, to mount
 * them.
 */
export function sandboxed(sees: readonly string[], argv: readonly [string, ...string[]]): [string, ...string[]] {
  if (program === undefined) throw new Error('dist/bin/sandbox does not exist: run "npm run build"')
  return [program, sandboxRoot, ...sees, '--', ...argv]
}
