import type { DirectSource } from '../../../model/documents/direct.js'
import * as direct from './direct/mountSource.js'
import * as glusterd from './glusterd/mountSource.js'

export interface MountedVolume {
  volume: string
  directory?: string | undefined
  direct?: Pick<DirectSource, 'export'> | undefined
}

/** Whether what the mount table says of a mount is that directory of that volume. */
export function isMountOf(wanted: MountedVolume, found: { source: string; type: string }): boolean {
  const { volume, direct: source } = wanted
  return source ? direct.isMountOf({ volume, export: source.export }, found) : glusterd.isMountOf(wanted, found)
}
