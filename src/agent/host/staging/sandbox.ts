import { builtProgram } from '../exec/builtProgram.js'

/*
 * The mount namespace in which staging programs run. sandbox.c creates one for each program, and it ends with the
 * program, so there is nothing to track or to clean up.
 */

/** Where the new root is created, in that namespace only. */
export const sandboxRoot = '/run/burstbuffer-agent/sandbox'

/**
 * The command that runs `argv` so that it sees only the directories `sees` of the host. It starts as root, to mount
 * them.
 */
export function sandboxed(sees: readonly string[], argv: readonly [string, ...string[]]): [string, ...string[]] {
  return [builtProgram('sandbox'), sandboxRoot, ...sees, '--', ...argv]
}
