import type { ObservedAdopt } from '../../model/documents/adopt.js'
import type { ObservedBrick } from '../../model/documents/brick.js'
import type { AnyObserved } from '../../model/documents/observed.js'
import type { ObservedTransfer } from '../../model/documents/transfer.js'

/** A report on something that takes long and is under way. */
export type ProgressReport = ObservedTransfer | ObservedBrick | ObservedAdopt

/** What was told last of the progress of something, and when. */
export interface LastReport {
  report: ProgressReport
  atMs: number
  /** When this part was first told of. */
  beganMs: number
}

const eagerMs = 10_000
const patientMs = 10_000
/** Of the whole. */
const reportedShare = 0.01

/** The report, when it is one of a transfer or a wipe that is under way. */
export function progressOf(document: AnyObserved): ProgressReport | undefined {
  if ('attempt' in document) return document.state === 'working' ? document : undefined
  return 'wiping' in document && document.wiping ? document : undefined
}

/** The one report as it follows the other: of the same part of the same attempt. */
export function told(report: ProgressReport, before: LastReport | undefined, atMs: number): LastReport {
  return { report, atMs, beganMs: before && partOf(before.report) === partOf(report) ? before.beganMs : atMs }
}

/**
 * Amounts that have merely moved are no news for each look: every report is a revision in etcd. They are told when a hundredth of the whole
 * has been moved or ten seconds have gone by; in a part's first ten seconds at each look, because somebody watches.
 */
export function isWorthReporting(now: ProgressReport, nowMs: number, told: LastReport | undefined): boolean {
  if (!told) return true
  if (withoutAmounts(now) !== withoutAmounts(told.report)) return true
  if (nowMs - told.beganMs <= eagerMs || nowMs - told.atMs >= patientMs) return true
  const before = amountsOf(told.report)
  return amountsOf(now).some(([moved, of], index) => {
    const [movedBefore] = before[index] ?? [0]
    return of > 0 && Math.abs(moved - movedBefore) / of >= reportedShare
  })
}

function partOf(report: ProgressReport): string {
  return 'attempt' in report ? `${report.part} ${report.attempt}` : 'wipe'
}

function withoutAmounts(report: ProgressReport): string {
  return JSON.stringify('counts' in report ? { ...report, counts: {} } : { ...report, wiping: {} })
}

/** What was moved, of how much. */
function amountsOf(report: ProgressReport): [number, number][] {
  if ('counts' in report) {
    const { bytes, totalBytes, files, totalFiles } = report.counts
    return [
      [bytes, totalBytes],
      [files, totalFiles],
    ]
  }
  return report.wiping ? [[report.wiping.doneBytes, report.wiping.totalBytes]] : []
}
