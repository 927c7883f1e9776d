import { createHash } from 'node:crypto'
import type { DirectBrick } from './documents/direct.js'
import type { DirectVolume } from './documents/volume.js'

/**
 * A fingerprint of what a host serves of a volume, and to whom: 43 characters, equal for equal documents whatever the
 * order of their clients. It does not reveal the passwords in them, because these are random.
 */
export function fingerprintOf({
  bricks,
  directory,
  exports,
  clients,
}: Pick<DirectVolume, 'bricks' | 'directory' | 'exports' | 'clients'>): string {
  return digestOf([bricks, directory, exports, [...clients].sort()])
}

/**
 * A fingerprint of what the process of one brick is started with. Who may connect, and whose the exports' directories are, are
 * not in it: both change while jobs have the buffer mounted (a persistent buffer is shared with a group), and need no restart.
 */
export function servedFingerprintOf({ directory, exports }: DirectVolume, brick: DirectBrick): string {
  const byName = [...exports].sort((a, b) => (a.name < b.name ? -1 : 1))
  const started = byName.map(({ name, directory, login }) => ({ name, directory, login }))
  return digestOf([brick, directory, started])
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, inOrder)).digest('base64url')
}

/** Sorts fields by name, so that the order in which a document was written does not matter. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
