import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

export interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** Mocha's spec reporter, which also writes the counts to the file named by the reporter option `tally`. */
export default class TallyReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const file = (options.reporterOptions as { tally?: string } | undefined)?.tally
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const tally: Tally = { passed: passes, failed: failures, skipped: pending }
      if (file) writeFileSync(file, JSON.stringify(tally))
    })
  }
}
