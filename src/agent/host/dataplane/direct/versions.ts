import type { Run } from '../../exec/run.js'
import { versionNotTried } from './messages.js'

/** Those with which the tests of this plane ran. */
export const triedVersions: readonly string[] = ['10.3']

/** As in `10.3`; undefined when glusterfsd prints something else. Throws CommandError when it cannot be run. */
export async function glusterfsVersion(run: Run): Promise<string | undefined> {
  const { stdout } = await run(['glusterfsd', '--version'], { timeoutMs: 10_000 })
  return versionIn(stdout)
}

/** As in `10.3`, from what `glusterfsd --version` prints; undefined when it contains no version. */
export function versionIn(text: string): string | undefined {
  return /^glusterfs ([0-9]+(?:\.[0-9A-Za-z]+)*)/m.exec(text)?.[1]
}

/** What an operator should know of that version; undefined when it was tried. */
export function versionWarning(version: string): string | undefined {
  return triedVersions.includes(version) ? undefined : versionNotTried(version, triedVersions)
}
