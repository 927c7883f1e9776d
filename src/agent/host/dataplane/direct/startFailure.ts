/** Why a brick process did not start. */
export type StartFailure =
  | 'portInUse'
  | 'addressMissing'
  | 'directoryMissing'
  | 'volumeIdMissing'
  | 'volumeIdDiffers'
  | 'indexMissing'
  | 'alreadyRunning'
  | 'certificate'
  | 'volfileRefused'
  | 'unknown'

/** Why a client did not mount its volume. */
export type ClientFailure =
  | 'wrongLogin'
  | 'unknownExport'
  | 'unknownHost'
  | 'certificate'
  | 'notConnected'
  | 'noMountPoint'
  | 'alreadyRunning'
  | 'volfileRefused'
  | 'unknown'

/** What GlusterFS 10.3 writes, and what it means: the first that is found counts. */
const phrases: readonly (readonly [RegExp, StartFailure])[] = [
  [/pidfile lock failed/, 'alreadyRunning'],
  [/binding to .{0,200} failed: Address already in use/, 'portInUse'],
  [/binding to .{0,200} failed: Cannot assign requested address/, 'addressMissing'],
  [/Extended attribute trusted\.glusterfs\.volume-id is absent/, 'volumeIdMissing'],
  [/mismatching volume-id/, 'volumeIdDiffers'],
  [/Directory '[^']{0,4096}' doesn't exist/, 'directoryMissing'],
  [/Failed to find parent dir .{0,4096} of index basepath/, 'indexMissing'],
  [/could not load (our cert|private key|CA list)/, 'certificate'],
  [/\[graph\.y:\d+:|failed to construct the graph/, 'volfileRefused'],
]

const clientPhrases: readonly (readonly [RegExp, ClientFailure])[] = [
  [/pidfile lock failed/, 'alreadyRunning'],
  [/Authentication failed|authentication failed/, 'wrongLogin'],
  [/remote-error=Brick not found/, 'unknownExport'],
  [/DNS resolution failed/, 'unknownHost'],
  [/could not load (our cert|private key|CA list)/, 'certificate'],
  [/mountpoint .{0,4096} (does not exist|is not a directory)/, 'noMountPoint'],
  [/\[graph\.y:\d+:|failed to construct the graph/, 'volfileRefused'],
  // It comes behind what says more.
  [/Transport endpoint is not connected/, 'notConnected'],
]

/** What a brick's log says why it did not start. */
export function failureIn(log: string): StartFailure {
  return phrases.find(([phrase]) => phrase.test(log))?.[1] ?? 'unknown'
}

/** What a client's log says why it did not mount its volume. */
export function clientFailureIn(log: string): ClientFailure {
  return clientPhrases.find(([phrase]) => phrase.test(log))?.[1] ?? 'unknown'
}

/** The first error in a log, without its time and its place in the source, as one line of printable ASCII. */
export function firstError(log: string): string {
  const words = /^\[[^\]\n]*\] E (?:\[MSGID: [0-9]+\] )?\[[^\]\n]*\] (.*)$/m.exec(log)?.[1] ?? ''
  return words
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 500)
}
