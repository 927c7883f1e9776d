import { recordsInto } from '../records.js'
import type { AsUser } from '../user.js'

/** One thing that was found, by find's own letters: f file, d directory, l symbolic link, p, s, b, c. */
export interface Entry {
  type: string
  /** How many names the file has, and which file it is. */
  links: number
  inode: string
  bytes: number
  /** It has holes: less room on the disk than bytes. */
  isSparse: boolean
  /** Below the root, byte for byte (latin1): names need not be UTF-8. */
  name: string
}

/** What is no user's data. */
export interface PassOver {
  /** The name below the root is the transfer's own. */
  isOwn: (name: string) => boolean
  /** They may be closed to the user. */
  directories: readonly { inode: string; name: string }[]
}

const longestWords = 300

/**
 * Everything below a directory, or the one file that it is, in the order in which it is found; the root itself is not told.
 * One walk, in bounded memory: `onEntry` is waited for. What cannot be looked at goes to `onFailure`.
 */
export async function walk(
  user: AsUser,
  root: string,
  onEntry: (entry: Entry) => Promise<void>,
  onFailure: (words: string) => void,
  passOver: PassOver,
): Promise<void> {
  const passed = passOver.directories.flatMap(({ inode, name }) => ['-inum', inode, '-name', name, '-prune', '-o'])
  const format = ['-printf', '%y %n %D:%i %s %b %P\\0']
  const argv: [string, ...string[]] = ['find', '-P', root, '-mindepth', '1', ...passed, ...format]
  const onOutput = recordsInto(async (record) => {
    const entry = parse(record)
    if (!passOver.isOwn(entry.name)) await onEntry(entry)
  })
  let complaints = 0
  const onComplaint = (line: string) => {
    complaints++
    onFailure(line.replace(/^find: /, '').slice(0, longestWords))
  }
  const { code, stderr } = await user.run(argv, { onOutput, onComplaint })
  if (code !== 0 && complaints === 0) throw new Error(`the walk of ${root} ended with exit code ${code}: ${stderr}`)
}

/** As far as blocks of 512 bytes tell. */
export function hasHoles(bytes: number, blocks: number): boolean {
  return blocks * 512 < bytes
}

function parse(record: string): Entry {
  const matched = /^(\S) (\d+) (\S+) (\d+) (\d+) (.*)$/s.exec(record)
  if (!matched) throw new Error(`find said ${JSON.stringify(record)}`)
  const [, type, links, inode, bytes, blocks, name] = matched as unknown as string[]
  const isSparse = type === 'f' && hasHoles(Number(bytes), Number(blocks))
  return { type: type!, links: Number(links), inode: inode!, bytes: Number(bytes), isSparse, name: name! }
}
