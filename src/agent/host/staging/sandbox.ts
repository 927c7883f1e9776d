import { existsSync } from 'node:fs'
import { join } from 'node:path'

/*
 * The mount namespace that programs of staging run in: sandbox.c makes one for each, and it goes with the program. So there is
 * nothing to keep, to find again or to clean up.
 */

/** What the new root is made at, in that namespace alone. */
export const sandboxRoot = '/run/burstbuffer-agent/sandbox'

/** Where `npm run build` puts it, seen from the source and from what is made of it. */
const places = ['../../../../dist/bin/sandbox', '../../../bin/sandbox']
const program = places.map((place) => join(import.meta.dirname, place)).find((path) => existsSync(path))

/** The program, which sees only these directories of the host. It starts as root, for it has to make them seen. */
export function sandboxed(sees: readonly string[], argv: readonly [string, ...string[]]): [string, ...string[]] {
  if (program === undefined) throw new Error('dist/bin/sandbox is not there: npm run build makes it')
  return [program, sandboxRoot, ...sees, '--', ...argv]
}
