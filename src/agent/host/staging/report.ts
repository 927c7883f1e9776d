import { dirname } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { nameOf } from '../../../model/transfers.js'
import { reportCounts, reportMore, reportTitle } from './messages.js'
import { resolveReport, type StagePaths } from './resolve.js'
import type { AsUser } from './user.js'
import type { Tally } from './noteFormats.js'

interface ReportParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
}

/**
 * Writes which files could not be staged into a file of the user's; removes the file after an attempt without failures.
 * May be repeated.
 */
export async function writeReport({ transfer, user, stagePaths }: ReportParts, sum: Tally): Promise<void> {
  if (transfer.report === undefined) return
  // The report is optional: the reasons are in the scheduler's reply too.
  const report = await resolveReport(user, transfer, stagePaths, transfer.report).catch(() => undefined)
  if (report === undefined) return
  if (sum.failed === 0) {
    await user.run(['rm', '--force', '--', report])
    return
  }
  const more = sum.failed - sum.failures.length
  const lines = [
    reportTitle(nameOf({ ...transfer, number: transfer.transfer }), transfer.session.token, transfer.attempt),
    reportCounts(sum.files, sum.failed),
    ...sum.failures,
    ...(more > 0 ? [reportMore(more)] : []),
  ]
  await user.run(['mkdir', '--parents', '--', dirname(report)])
  // The path may be a link or a pipe: dd does not follow the link, and does not wait for the pipe.
  const argv = ['dd', `of=${report}`, 'bs=64k', 'iflag=fullblock', 'oflag=nofollow,nonblock', 'status=none'] as const
  await user.run(argv, { stdin: Buffer.from(`${lines.join('\n')}\n`) })
}
