import type { FullBatch } from './split.js'
import type { Notes } from '../notes.js'
import type { Batch, RangedFile } from '../noteFormats.js'

/**
 * Writes batches into the scan's directory as they become full: names and sizes in files of their own, and at the end a
 * note for each share. `of`: the number of shares. Throws as `Notes` does.
 */
export function batchesIn(notes: Notes, of: number) {
  const written: { share: number; batch: Batch }[] = []
  const note = (share: number, { names, bytes, isSparse }: FullBatch, more: Partial<Batch>) => {
    const name = `share-${share}.${written.length}`
    const batch: Batch = { name, files: names.length, bytes, ...(isSparse ? { isSparse } : {}), ...more }
    written.push({ share, batch })
    return batch
  }
  return {
    /**
     * Writes names below the root, byte for byte. `./` keeps rsync from reading some as comments, and programs from
     * reading options. Files for several nodes are listed once, and each node's copy goes to another share.
     */
    write: async (full: FullBatch, nodes: readonly (string | undefined)[]) => {
      let first: Batch | undefined
      for (const [index, node] of nodes.entries()) {
        const more = { ...(first ? { listOf: first.name } : {}), ...(node === undefined ? {} : { node }) }
        const batch = note((full.share + index) % of, full, more)
        first ??= batch
      }
      if (!first) return
      const names = full.names.map((name) => `./${name}\0`).join('')
      await Promise.all([
        notes.draftList(first.name, Buffer.from(names, 'latin1')),
        notes.draftList(`${first.name}.sizes`, Buffer.from(full.sizes.join('\n'))),
      ])
    },
    /** Adds a batch whose names are pairs of paths, as JSON. */
    addPairs: (full: FullBatch) => {
      note(full.share, full, { pairs: full.names.map((name) => JSON.parse(name) as Pair) })
    },
    /** Adds a range of a large file, which is counted in the share of its first range. */
    addRange: (share: number, bytes: number, range: NonNullable<Batch['range']>, { pair, node }: RangedOf) => {
      const whose = { ...(pair ? { pairs: [pair] } : {}), ...(node === undefined ? {} : { node }) }
      const full = { share, isSparse: false, names: [], sizes: [], bytes }
      note(share, full, { files: range.at === 0 ? 1 : 0, ...whose, range })
    },
    /** Writes the notes of the shares, and gives what each share has to copy. */
    end: async (): Promise<{ files: number; bytes: number }[]> => {
      const shares = Array.from({ length: of }, (_, share) =>
        written.filter((one) => one.share === share).map(({ batch }) => batch),
      )
      for (const [share, batches] of shares.entries()) {
        await notes.draft(`share-${share}.json`, { batches })
      }
      return shares.map((batches) => ({
        files: batches.reduce((sum, { files }) => sum + files, 0),
        bytes: batches.reduce((sum, { bytes }) => sum + bytes, 0),
      }))
    },
  }
}

type RangedOf = Pick<RangedFile, 'pair' | 'node'>
type Pair = NonNullable<Batch['pairs']>[number]
