import type { AsUser } from './user.js'

const probed = '1.123456789'

/**
 * How rsync shall compare times. It compares whole seconds by itself, takes a file of the same size for copied when it is from the
 * same second, and then leaves the time of everything else as it is. Where the destination keeps nanoseconds they are compared; where
 * it does not (Lustre), they would make a retry copy everything again.
 */
export async function timeWindow(user: AsUser, probe: string): Promise<string[]> {
  await user.ok(['touch', `--date=@${probed}`, '--', probe])
  const { stdout } = await user.ok(['stat', '--printf=%.9Y', '--', probe])
  return stdout.toString() === probed ? ['--modify-window=-1'] : []
}
