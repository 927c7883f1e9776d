import { randomBytes } from 'node:crypto'
import { writeNew } from './notes.js'
import type { AsUser } from './user.js'

const probed = '1.123456789'

/**
 * Arguments that tell rsync how to compare times in that directory. By default rsync compares whole seconds: it takes a
 * file with the same size and second for copied, and does not set the time of links and directories in the same second.
 * Where the destination keeps nanoseconds, rsync compares them; where it does not (Lustre), that would make a retry
 * copy everything again.
 */
export async function timeWindow(user: AsUser, directory: string): Promise<string[]> {
  const probe = `${directory}/times-${randomBytes(8).toString('hex')}`
  await writeNew(user, probe, Buffer.alloc(0))
  await user.ok(['touch', '--no-dereference', `--date=@${probed}`, '--', probe])
  const { stdout } = await user.ok(['stat', '--printf=%.9Y', '--', probe])
  return stdout.toString() === probed ? ['--modify-window=-1'] : []
}
