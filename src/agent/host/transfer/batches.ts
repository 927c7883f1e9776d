import type { FullBatch } from '../../plan/split.js'
import type { AsUser } from './user.js'
import { type Batch, writeBytes, writeDraft } from './work.js'

/** Writes batches into a plan's directory as they become full: names and sizes in files of their own, at the end a note a share. */
export function batchesIn(user: AsUser, building: string) {
  const written: Batch[] = []
  const note = ({ share, names, bytes }: FullBatch): Batch => {
    return { name: `share-${share}.${written.length}`, files: names.length, bytes }
  }
  return {
    /** Names below the root, byte for byte. `./` keeps rsync from reading some as comments, and programs from reading options. */
    write: async (full: FullBatch) => {
      const batch = note(full)
      written.push(batch)
      const names = full.names.map((name) => `./${name}\0`).join('')
      await writeBytes(user, `${building}/${batch.name}`, Buffer.from(names, 'latin1'))
      await writeBytes(user, `${building}/${batch.name}.sizes`, Buffer.from(full.sizes.join('\n')))
    },
    /** Names that are pairs of paths, as JSON. */
    addPairs: (full: FullBatch) => {
      const pairs = full.names.map((name) => JSON.parse(name) as { from: string; to: string; bytes: number })
      written.push({ ...note(full), pairs })
    },
    end: async (of: number) => {
      for (let share = 0; share < of; share++) {
        const batches = written.filter(({ name }) => name.startsWith(`share-${share}.`))
        await writeDraft(user, `${building}/share-${share}.json`, { batches })
      }
    },
  }
}
