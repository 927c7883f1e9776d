import { createHash } from 'node:crypto'
import type { DirectBrick } from './documents/direct.js'
import type { DirectVolume } from './documents/volume.js'

/**
 * Of what a host serves of a volume, and to whom: 43 characters, equal for equal documents whatever the order of their
 * clients. It says nothing of the passwords in them, which are random.
 */
export function fingerprintOf({
  bricks,
  directory,
  exports,
  clients,
}: Pick<DirectVolume, 'bricks' | 'directory' | 'exports' | 'clients'>): string {
  return digestOf([bricks, directory, exports, [...clients].sort()])
}

/** Of what the process of one brick is started with: everything but who may connect, which does not end it; in whatever order. */
export function servedFingerprintOf({ directory, exports }: DirectVolume, brick: DirectBrick): string {
  const byName = [...exports].sort((a, b) => (a.name < b.name ? -1 : 1))
  return digestOf([brick, directory, byName])
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value, inOrder)).digest('base64url')
}

/** Fields by name: the order in which a document was written is no part of it. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
