import type { ObservedAdopt } from '../../model/documents/adopt.js'
import type { ObservedBrick } from '../../model/documents/brick.js'
import type { AnyObserved } from '../../model/documents/observed.js'
import type { ObservedTransfer } from '../../model/documents/transfer.js'

/** A report on a transfer or a wipe that is under way. */
export type ProgressReport = ObservedTransfer | ObservedBrick | ObservedAdopt

/** The last report on progress, and when it was written. */
export interface LastReport {
  report: ProgressReport
  atMs: number
  /** When this part was first reported. */
  beganMs: number
}

const eagerMs = 10_000
const patientMs = 10_000
/** The share of the whole that is worth a report. */
const reportedShare = 0.01
/** All hosts of a transfer together report so often. */
const betweenReportsMs = 1_000

/** The report, if it is about a transfer or a wipe that is under way; else undefined. */
export function progressOf(document: AnyObserved): ProgressReport | undefined {
  if ('attempt' in document) return document.state === 'working' ? document : undefined
  return 'wiping' in document && document.wiping ? document : undefined
}

/** The report as the last one; keeps when the part began if `before` is about the same part of the same attempt. */
export function told(report: ProgressReport, before: LastReport | undefined, atMs: number): LastReport {
  return { report, atMs, beganMs: before && partOf(before.report) === partOf(report) ? before.beganMs : atMs }
}

/**
 * Not every change of amounts is reported, because every report is a revision in etcd. They are reported when a
 * hundredth of the whole has been moved or after ten seconds; in a part's first ten seconds always, because somebody
 * may watch. With `hosts` that share a transfer each has a share of the whole and of the reports: thirty hosts report
 * as often as one.
 */
export function isWorthReporting(now: ProgressReport, nowMs: number, told: LastReport | undefined, hosts = 1): boolean {
  if (!told) return true
  if (withoutAmounts(now) !== withoutAmounts(told.report)) return true
  const silentMs = nowMs - told.atMs
  if (silentMs >= Math.max(patientMs, hosts * betweenReportsMs)) return true
  if (nowMs - told.beganMs <= eagerMs && silentMs >= (hosts - 1) * betweenReportsMs) return true
  const before = amountsOf(told.report)
  return amountsOf(now).some(([moved, of], index) => {
    const [movedBefore] = before[index] ?? [0]
    return of > 0 && Math.abs(moved - movedBefore) / of >= reportedShare * hosts
  })
}

function partOf(report: ProgressReport): string {
  return 'attempt' in report ? `${report.part} ${report.attempt}` : 'wipe'
}

function withoutAmounts(report: ProgressReport): string {
  return JSON.stringify('counts' in report ? { ...report, counts: {} } : { ...report, wiping: {} })
}

/** How much was moved, of how much. */
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
