import type { ObservedTransfer } from '../model/documents.js'

/** What was told last of a transfer's progress, and when. */
export interface Told {
  report: ObservedTransfer
  atMs: number
  /** When this part was first told of. */
  beganMs: number
}

const eagerMs = 10_000
const patientMs = 10_000
/** Of the whole. */
const worthTelling = 0.01

/**
 * Counts that have merely moved are no news for each look: every report is a revision in etcd. They are told when a hundredth of the whole
 * has been moved or ten seconds have gone by; in a part's first ten seconds at each look, because somebody watches.
 */
export function isWorthTelling(now: ObservedTransfer, nowMs: number, told: Told | undefined): boolean {
  if (!told) return true
  if (JSON.stringify({ ...now, counts: {} }) !== JSON.stringify({ ...told.report, counts: {} })) return true
  if (nowMs - told.beganMs <= eagerMs || nowMs - told.atMs >= patientMs) return true
  const { counts } = now
  const before = told.report.counts
  const share = (moved: number, of: number) => (of === 0 ? 0 : Math.abs(moved) / of)
  return (
    share(counts.bytes - before.bytes, counts.totalBytes) >= worthTelling ||
    share(counts.files - before.files, counts.totalFiles) >= worthTelling
  )
}
