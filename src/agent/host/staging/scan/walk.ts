import { type OnRecord, recordsInto } from '../records.js'
import { hasHoles } from '../stat.js'
import type { AsUser } from '../user.js'

/** One entry that find has found. `type` is find's letter: f file, d directory, l symbolic link, p, s, b, c. */
export interface Entry {
  type: string
  /** Number of names of the file. */
  links: number
  inode: string
  bytes: number
  /** It has holes: it uses less space on the disk than its bytes. */
  isSparse: boolean
  /** Below the root, byte for byte (latin1): names need not be UTF-8. */
  name: string
}

/** What is not user data. */
export interface PassOver {
  /** The name below the root is the transfer's own. */
  isOwn: (name: string) => boolean
  /** The user may not be allowed to enter them. */
  directories: readonly { inode: string; name: string }[]
}

const longestWords = 300

/**
 * Calls `onEntry` for everything below a directory, in the order in which it is found, but not for the directory
 * itself. Uses bounded memory: waits for `onEntry` each time. Calls `onFailure` for what cannot be read.
 */
export async function walk(
  user: AsUser,
  root: string,
  onEntry: OnRecord<Entry>,
  onFailure: (words: string) => void,
  passOver: PassOver,
): Promise<void> {
  const passed = passOver.directories.flatMap(({ inode, name }) => ['-inum', inode, '-name', name, '-prune', '-o'])
  const format = ['-printf', '%y %n %D:%i %s %b %P\\0']
  const argv: [string, ...string[]] = ['find', '-P', root, '-mindepth', '1', ...passed, ...format]
  const onOutput = recordsInto((record) => {
    const entry = parse(record)
    return passOver.isOwn(entry.name) ? undefined : onEntry(entry)
  })
  let complaints = 0
  const onComplaint = (line: string) => {
    complaints++
    onFailure(line.replace(/^find: /, '').slice(0, longestWords))
  }
  const { code, stderr } = await user.run(argv, { onOutput, onComplaint })
  if (code !== 0 && complaints === 0) throw new Error(`find failed in ${root} with exit code ${code}: ${stderr}`)
}

function parse(record: string): Entry {
  const matched = /^(\S) (\d+) (\S+) (\d+) (\d+) (.*)$/s.exec(record)
  if (!matched) throw new Error(`cannot parse the output of find: ${JSON.stringify(record)}`)
  const [, type, links, inode, bytes, blocks, name] = matched as unknown as string[]
  const isSparse = type === 'f' && hasHoles(Number(bytes), Number(blocks))
  return { type: type!, links: Number(links), inode: inode!, bytes: Number(bytes), isSparse, name: name! }
}
