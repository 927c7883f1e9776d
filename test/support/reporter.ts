import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import Mocha from 'mocha'

export interface Tally {
  passed: number
  failed: number
  skipped: number
  /** Each failed test's name and reason. */
  failures?: string[]
}

/** What chai throws tells what it compared. */
type Failure = Error & { expected?: unknown; actual?: unknown }

/**
 * Mocha's spec reporter, which also writes the counts to the file named by the reporter option `tally`, and tells why a test
 * failed where it failed too: a suite that is ended before its end never comes to its list of failures.
 */
export default class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const file = (options.reporterOptions as { tally?: string } | undefined)?.tally
    const failed: string[] = []
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test: Mocha.Test, error: Failure) => {
      const values =
        'expected' in error ? `\nexpected ${inspect(error.expected)}\nand saw ${inspect(error.actual)}` : ''
      const reason = `${error.message}${values}`.replaceAll(/^/gm, '      | ')
      console.log(reason)
      failed.push(`${test.fullTitle()}\n${reason}`)
    })
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const tally: Tally = { passed: passes, failed: failures, skipped: pending, failures: failed }
      if (file) writeFileSync(file, JSON.stringify(tally))
    })
  }
}
