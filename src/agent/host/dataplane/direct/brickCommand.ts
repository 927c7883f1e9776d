import type { ProcessFiles } from './files.js'

/** What a brick process is, and what it was started with: its command line says so. */
export interface BrickIdentity {
  /** The brick's. One process at a time has it. */
  uuid: string
  /** The brick's own directory; the exports lie in it. */
  directory: string
  volume: string
  /** Of all that it was started with, as `servedFingerprintOf` makes it. */
  fingerprint: string
}

/**
 * GlusterFS writes its whole volfile into its log, with its secret, unless it is to write of errors alone (measured, 10.3: with
 * WARNING it does). What keeps a process from starting is an error.
 */
export const logLevel = '--log-level=ERROR'

/** No secret is in it. */
export function brickCommand(brick: BrickIdentity, files: ProcessFiles): [string, ...string[]] {
  const { uuid, directory, volume, fingerprint } = brick
  return [
    'glusterfsd',
    // GlusterFS does not use it but for a few names of its own. No volume's name has a dot.
    `--process-name=${volume}.${fingerprint}`,
    `--volfile=${files.volfile}`,
    `--volfile-id=${uuid}`,
    `--brick-name=${directory}`,
    `--pid-file=${files.pidFile}`,
    `--log-file=${files.log}`,
    logLevel,
  ]
}
