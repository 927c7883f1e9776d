import type { DesiredTransfer } from '../../../../model/documents/transfer.js'
import type { Notes } from '../notes.js'
import type { StagePaths } from '../resolve.js'
import type { AsUser } from '../user.js'
import type { ScanNote, Tally } from '../noteFormats.js'

export interface ScanParts {
  transfer: DesiredTransfer
  user: AsUser
  stagePaths: StagePaths
  /** Throws unless every brick of the volume is online. */
  requireAllBricksOnline: () => Promise<void>
  /** Files of twice as many bytes are copied in ranges; usual when undefined. */
  smallestRange?: number | undefined
  /** How much has been found so far. */
  onFound: (found: { files: number; bytes: number }) => void
}

/** What a scan counts: files that cannot be copied, and the largest file. */
export type Found = Tally & { largestBytes: number }
export type Scan = ScanParts & { found: Found }
/** Writes the batches into the scan's directory, and gives what each share has to copy. */
export type Make = (building: Building) => Promise<ScanNote['shares']>
export interface Building {
  directory: string
  notes: Notes
}
