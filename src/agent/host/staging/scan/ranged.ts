import { draftOf, prepareRanged, type RangedPaths, type Times, writesInPlace } from '../copyrange.js'
import { timeWindow } from '../times.js'
import type { RangedFile } from '../noteFormats.js'
import type { batchesIn } from './batches.js'
import type { Building, Scan } from './scanParts.js'
import type { splitter } from './split.js'
import { rangesOf } from './ranges.js'

/** Of one transfer. Where there are so many, the other files keep all hosts busy. */
const maxRanges = 10_000

/** A file that may be copied in ranges. */
export type Candidate = Pick<RangedPaths, 'from' | 'place' | 'name'> &
  Pick<RangedFile, 'pair' | 'node'> & { bytes: number; isSparse: boolean }

/**
 * Divides large files into ranges, each a batch of the share with the least to do, and creates them empty. Whatever cannot be
 * created so is left to rsync, which says why it cannot be copied, or replaces what is in its place.
 */
export class Ranger {
  private readonly files: RangedFile[] = []
  private ranges = 0
  private destination: Promise<{ isInPlace: boolean; times: Times }> | undefined

  constructor(
    private readonly parts: Scan,
    private readonly building: Building,
    private readonly split: ReturnType<typeof splitter>,
    private readonly batches: ReturnType<typeof batchesIn>,
  ) {}

  /** Whether so large a file may be copied in ranges. */
  isLarge(bytes: number): boolean {
    return this.rangesOf(bytes).length > 0
  }

  /** True when the file is copied in ranges; false: it belongs into a batch like any other file. */
  async take({ from, place, name, bytes, isSparse, pair, node }: Candidate): Promise<boolean> {
    const { user, transfer } = this.parts
    const ranges = this.rangesOf(bytes)
    if (ranges.length === 0) return false
    const number = this.files.length
    this.destination ??= this.lookAtDestination()
    const { isInPlace, times } = await this.destination
    const draft = draftOf(this.building.directory, number, isInPlace)
    // An earlier attempt found a difference that size and time do not show.
    const compare = transfer.verify && transfer.attempt > 1 ? 'never' : times
    const prepared = await prepareRanged(user, { from, place, name, draft }, bytes, compare)
    if ('unlike' in prepared) return false
    const { time } = prepared
    const which = { ...(pair ? { pair } : {}), ...(node === undefined ? {} : { node }) }
    this.files.push({ name, ...which, bytes, time, ...(isSparse ? { isSparse } : {}) })
    this.ranges += ranges.length
    for (const range of ranges) {
      const share = this.split.place(range.bytes)
      this.batches.addRange(share, range.bytes, { file: number, at: range.at }, which)
    }
    return true
  }

  /** Writes the note of the files. */
  async end(): Promise<void> {
    if (this.files.length > 0) await this.building.notes.draft('ranged.json', { files: this.files })
  }

  private rangesOf(bytes: number) {
    const { transfer, smallestRange } = this.parts
    if (!transfer.ranges || this.ranges >= maxRanges) return []
    return rangesOf(bytes, transfer.share.of, smallestRange)
  }

  private async lookAtDestination() {
    const { user, transfer } = this.parts
    const isInPlace = await writesInPlace(user, transfer)
    const isExact = (await timeWindow(user, this.building.directory)).length > 0
    return { isInPlace, times: isExact ? ('nanoseconds' as const) : ('seconds' as const) }
  }
}
