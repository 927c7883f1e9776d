import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, statSync } from 'node:fs'

/*
 * Code of the agent runs programs by the starter, so that tests need it, also where nobody has run `npm run build`. mocha loads this
 * file first (.mocharc.json).
 */

const source = 'src/agent/host/exec/starter.c'
const program = 'dist/bin/starter'

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Compiles it, if it is missing or older than its source. */
export function mochaGlobalSetup(): void {
  if (changedMs(program) > changedMs(source)) return
  mkdirSync('dist/bin', { recursive: true })
  // Another run may do the same.
  const fresh = `${program}.${process.pid}`
  execFileSync('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', fresh, source], { stdio: 'inherit' })
  renameSync(fresh, program)
}
