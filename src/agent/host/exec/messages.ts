/*
 * How a command failed. Tests compare with these functions, so that a wording is changed here alone.
 */

export const timedOut = () => 'timed out and was killed'
export const killedBy = (signal: string) => `killed by ${signal}`
export const notStarted = () => 'could not be started'
export const exitCode = (code: number) => `exit code ${code}`
/** `words`: the end of its output, the most telling part. */
export const commandFailed = (words: string, argv: readonly string[], how: string) =>
  `${words ? `${words} ` : ''}(${argv.slice(0, 12).join(' ')}: ${how})`
export const stalled = (seconds: number) => `no output or I/O for ${seconds} s`
export const cancelled = () => 'it was cancelled'
export const cannotBeKilled = (pids: readonly number[]) =>
  `process ${pids.join(', ')} cannot be killed: it is in uninterruptible sleep`
/** `code`: as in ENOENT. */
export const cannotStart = (program: string, code: string) => `${program} cannot be started: ${code}`
export const containsZero = (program: string) => `an argument of ${program} contains a zero byte`
export const starterEnded = () => 'the process that starts programs has ended'
export const starterHangs = () => 'the process that starts programs does not answer as it should'
