import type { ProcessFiles } from './files.js'

/**
 * GlusterFS writes its whole volfile into its log, with its secret, unless it is to write of errors alone (measured, 10.3: with
 * WARNING it does). What keeps a process from starting is an error.
 */
export const logLevel = '--log-level=ERROR'

/** No secret is in it. `uuid`: the brick's; by it and the directory a process is recognized. */
export function brickCommand(uuid: string, directory: string, files: ProcessFiles): [string, ...string[]] {
  return [
    'glusterfsd',
    `--volfile=${files.volfile}`,
    `--volfile-id=${uuid}`,
    `--brick-name=${directory}`,
    `--pid-file=${files.pidFile}`,
    `--log-file=${files.log}`,
    logLevel,
  ]
}
