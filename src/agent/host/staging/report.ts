import { dirname } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import { resolveReport, type StagePaths } from './resolve.js'
import type { AsUser } from './user.js'
import type { Tally } from './noteFormats.js'

interface ReportParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
}

/**
 * Tells the user which files could not be staged, in a file of the user's; an attempt that had no failure takes it
 * away. May be repeated.
 */
export async function writeReport({ transfer, user, stagePaths }: ReportParts, sum: Tally): Promise<void> {
  if (transfer.report === undefined) return
  // It is a comfort, not the transfer: the reasons are in the scheduler's reply too.
  const report = await resolveReport(user, transfer, stagePaths, transfer.report).catch(() => undefined)
  if (report === undefined) return
  if (sum.failed === 0) {
    await user.run(['rm', '--force', '--', report])
    return
  }
  const what =
    transfer.direction === 'fill' ? 'the copies to the nodes' : `stage_${transfer.direction} ${transfer.transfer}`
  const more = sum.failed - sum.failures.length
  const lines = [
    `${what} of job ${transfer.session.token}, attempt ${transfer.attempt}:`,
    `${sum.files} files copied, ${sum.failed} failed.`,
    ...sum.failures,
    ...(more > 0 ? [`and ${more} more`] : []),
  ]
  await user.run(['mkdir', '--parents', '--', dirname(report)])
  // What stands there may be a link to elsewhere, or a pipe: neither is followed or waited for.
  const argv = ['dd', `of=${report}`, 'bs=64k', 'iflag=fullblock', 'oflag=nofollow,nonblock', 'status=none'] as const
  await user.run(argv, { stdin: Buffer.from(`${lines.join('\n')}\n`) })
}
