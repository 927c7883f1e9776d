import { need, parseArguments } from './functions/arguments.js'
import { SlurmFailure } from './functions/slurmFailure.js'
import type { SlurmFunction, SlurmDependencies } from './functions/context.js'
import { createPersistent } from './functions/createPersistent.js'
import { jobProcess } from './functions/jobProcess.js'
import * as messages from './functions/messages.js'
import { realSize, showConfigurations, showInstances, showPools, showSessions } from './functions/queries.js'
import { paths, postRun, preRun } from './functions/run.js'
import { setup } from './functions/setup.js'
import { dataIn, dataOut } from './functions/staging.js'
import { teardown } from './functions/teardown.js'

/** What dw_wlm_cli prints, and its exit code. Slurm reads stdout and stderr together. */
export interface Reply {
  code: number
  text: string
}

const functions: Record<string, SlurmFunction> = {
  pools: showPools,
  show_instances: showInstances,
  show_sessions: showSessions,
  show_configurations: showConfigurations,
  job_process: jobProcess,
  create_persistent: createPersistent,
  setup,
  data_in: dataIn,
  real_size: realSize,
  paths,
  pre_run: preRun,
  post_run: postRun,
  data_out: dataOut,
  teardown,
}

/**
 * Runs dw_wlm_cli with these words. It never throws: the reply says what went wrong. `gone` resolves when the caller has ended: a
 * call that still waits then creates nothing.
 */
export async function dwWlmCli(
  deps: SlurmDependencies,
  words: readonly string[],
  gone: Promise<void> = new Promise(() => {}),
): Promise<Reply> {
  try {
    const given = parseArguments(words)
    if ('refused' in given) throw new SlurmFailure(given.refused)
    const name = need(given, 'function')
    const called = Object.hasOwn(functions, name) ? functions[name] : undefined
    if (!called) throw new SlurmFailure(messages.unknownFunction(name, Object.keys(functions)))
    return { code: 0, text: await called(deps, given, gone) }
  } catch (error) {
    // Without a newline: Slurm puts the text into the job's reason, which squeue shows in one line.
    if (error instanceof SlurmFailure) return { code: 1, text: error.message }
    return { code: 1, text: messages.unavailable(error instanceof Error ? error.message : String(error)) }
  }
}
