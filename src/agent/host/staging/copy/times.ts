import { randomBytes } from 'node:crypto'
import { writeNew } from '../notes.js'
import type { AsUser } from '../user.js'

const probed = '1.123456789'

/**
 * Arguments that tell rsync how to compare times in that directory. It compares whole seconds by itself, takes a file
 * of the same size for copied when it is from the same second, and then leaves the time of everything else as it is.
 * Where the destination keeps nanoseconds they are compared; where it does not (Lustre), they would make a retry copy
 * everything again.
 */
export async function timeWindow(user: AsUser, directory: string): Promise<string[]> {
  const probe = `${directory}/times-${randomBytes(8).toString('hex')}`
  await writeNew(user, probe, Buffer.alloc(0))
  await user.ok(['touch', '--no-dereference', `--date=@${probed}`, '--', probe])
  const { stdout } = await user.ok(['stat', '--printf=%.9Y', '--', probe])
  return stdout.toString() === probed ? ['--modify-window=-1'] : []
}
