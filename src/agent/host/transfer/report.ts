import { dirname } from 'node:path'
import type { DesiredTransfer } from '../../../model/documents.js'
import type { AsUser } from './user.js'
import { type Tally, writeBytes } from './work.js'

/** Tells the user which files could not be staged, in a file of the user's; an attempt that had no failure takes it away. */
export async function writeReport(user: AsUser, transfer: DesiredTransfer, sum: Tally): Promise<void> {
  const { report } = transfer
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
  // It is a comfort, not the transfer: the reasons are in the scheduler's reply too.
  await writeBytes(user, report, Buffer.from(`${lines.join('\n')}\n`)).catch(() => {})
}
