import type { AnyDesired, DesiredKind } from '../../model/documents/desired.js'
import type { Report } from '../port/plan.js'

type AnyReport = { [K in DesiredKind]: Report<K> }[DesiredKind]

/** The report on a document without facts: the host does not have the role, or cannot be observed. */
export function reportWithoutFacts(document: AnyDesired): AnyReport {
  const state = 'forming'
  switch (document.kind) {
    case 'brick':
      return { uuid: document.uuid, directory: document.directory, state }
    case 'volume':
      return { bufferId: document.buffer.id, state, offline: [] }
    case 'transfer':
      return {
        attempt: document.attempt,
        part: document.part,
        state: 'working',
        counts: { files: 0, bytes: 0, totalFiles: 0, totalBytes: 0, failed: 0 },
        failures: [],
      }
    case 'mount':
    case 'swap':
    case 'peer':
    case 'adopt':
      return { state }
  }
}
