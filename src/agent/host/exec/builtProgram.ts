import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where `npm run build` puts programs in C, relative to the source and to the compiled file. */
const places = ['../../../../dist/bin', '../../../bin']

/** The path of a program in C that belongs to the agent. Throws Error when it was not built. */
export function builtProgram(name: string): string {
  const found = places.map((place) => join(import.meta.dirname, place, name)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`dist/bin/${name} does not exist: run "npm run build"`)
  return found
}
