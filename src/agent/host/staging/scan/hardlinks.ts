import type { Listed } from './split.js'
import { type OnRecord, recordsInto } from '../records.js'
import type { AsUser } from '../user.js'
import { appendBytes } from '../notes.js'

const atOnce = 2_000

/**
 * Keeps files with several names back while a tree is walked, and gives them at the end, one inode after the other.
 * They are stored on disk, in the directory `building`, and sorted there: in a tree of snapshots no inode has all of
 * its names before the walk ends.
 */
export function linkedIn(user: AsUser, building: string) {
  const list = `${building}/linked`
  let records: string[] = []
  let isAny = false
  const write = async () => {
    if (records.length === 0) return
    await appendBytes(user, list, Buffer.from(records.join(''), 'latin1'))
    records = []
    isAny = true
  }
  return {
    /** Puts one name aside. */
    add: ({ inode, bytes, isSparse, name }: Listed) => {
      records.push(`${inode} ${bytes} ${isSparse ? 'holes' : 'whole'} ${name}\0`)
      return records.length >= atOnce ? write() : undefined
    },
    /** Gives all files that were kept back; the names of one inode follow one another. Waits for `onFile` each time. */
    each: async (onFile: OnRecord<Listed>) => {
      await write()
      if (!isAny) return
      const frugal = ['--buffer-size=16M', '--parallel=1', `--temporary-directory=${building}`]
      const onOutput = recordsInto((record) => onFile(parse(record)))
      await user.ok(['sort', '--zero-terminated', ...frugal, '--', list], { onOutput })
      await user.ok(['rm', '--force', '--', list])
    },
  }
}

function parse(record: string): Listed {
  const matched = /^(\S+) (\d+) (holes|whole) (.*)$/s.exec(record)
  if (!matched)
    throw new Error(`cannot parse a line of the list of hard links: ${JSON.stringify(record.slice(0, 300))}`)
  const [, inode, bytes, holes, name] = matched as unknown as string[]
  return { inode: inode!, bytes: Number(bytes), name: name!, isLinked: true, isSparse: holes === 'holes' }
}
