import { createHash } from 'node:crypto'
import type { DirectVolume } from './documents/volume.js'

/**
 * Of what a host serves of a volume, and to whom: 43 characters, equal for equal documents whatever the order of their
 * clients. It says nothing of the passwords in them, which are random.
 */
export function fingerprintOf({ bricks, directory, exports, clients }: Omit<DirectVolume, 'fence'>): string {
  const served = JSON.stringify([bricks, directory, exports, [...clients].sort()], inOrder)
  return createHash('sha256').update(served).digest('base64url')
}

/** Fields by name: the order in which a document was written is no part of it. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
