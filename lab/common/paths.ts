import { resolve } from 'node:path'
import { invalidId } from './messages.js'

/** The folder that has a folder for each cluster. */
export const labs = process.env['BURSTBUFFER_LABS'] ?? resolve(import.meta.dirname, '../../.lab')

/** Checks the id of a cluster, which is the name of its folder. */
export function idOf(id: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(id)) throw new Error(invalidId(id))
  return id
}
