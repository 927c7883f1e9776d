import { resolve } from 'node:path'

/** Where clusters have their folders. */
export const labs = process.env['BURSTBUFFER_LABS'] ?? resolve(import.meta.dirname, '../../.lab')

/** It is the name of a folder. */
export function idOf(id: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(id)) throw new Error(`a lab's id is letters, digits and hyphens, not ${id}`)
  return id
}
