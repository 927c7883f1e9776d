/*
 * A stream of files cut into shares, one for each host, and each share into batches, one for each run of the copier. A file
 * goes to the share with the least to do so far, in bytes and files; all names of one inode go into one batch, because only
 * one run of rsync can link them again. Memory holds the batches that are open, not the files that have gone by.
 *
 * Why not fpart, which does the like: it knows no hard links, and reads names from a list only one a line.
 */
export interface Listed {
  name: string
  bytes: number
  /** How many names the file has, and which file it is. */
  links: number
  inode: string
}

export interface FullBatch {
  share: number
  names: string[]
  sizes: number[]
  bytes: number
}

export interface SplitLimits {
  /** A batch is full at so many files or so many bytes. */
  files: number
  bytes: number
}

/** What a file costs beside its bytes: opening, attributes, closing, at some hundred MB a second. */
const bytesOfAFile = 256 * 1024

export interface Splitter {
  /** The batch that this file has filled, if any. */
  add(file: Listed): FullBatch | undefined
  /** The rest. What is added then begins new batches, and the shares stay even with all that has gone by. */
  end(): FullBatch[]
  readonly shares: readonly { files: number; bytes: number }[]
}

export function splitter(of: number, limits: SplitLimits): Splitter {
  const shares = Array.from({ length: of }, () => ({ files: 0, bytes: 0 }))
  const empty = () => shares.map((_, share) => emptyBatch(share))
  let open = empty()
  let linked = empty()
  const shareOfInode = new Map<string, { share: number; left: number }>()

  const laziest = () => {
    const load = ({ files, bytes }: { files: number; bytes: number }) => bytes + files * bytesOfAFile
    return shares.reduce((least, share, index) => (load(share) < load(shares[least]!) ? index : least), 0)
  }
  const put = (batch: FullBatch, { name, bytes }: Listed, isCounted: boolean) => {
    batch.names.push(name)
    batch.sizes.push(bytes)
    if (isCounted) batch.bytes += bytes
    shares[batch.share]!.files++
    if (isCounted) shares[batch.share]!.bytes += bytes
  }
  return {
    shares,
    add: (file) => {
      if (file.links > 1) {
        const seen = shareOfInode.get(file.inode) ?? { share: laziest(), left: file.links }
        put(linked[seen.share]!, file, seen.left === file.links)
        seen.left--
        if (seen.left > 0) shareOfInode.set(file.inode, seen)
        else shareOfInode.delete(file.inode)
        return undefined
      }
      const share = laziest()
      const batch = open[share]!
      put(batch, file, true)
      if (batch.names.length < limits.files && batch.bytes < limits.bytes) return undefined
      open[share] = emptyBatch(share)
      return batch
    },
    end: () => {
      const rest = [...open, ...linked].filter(({ names }) => names.length > 0)
      open = empty()
      linked = empty()
      // Names of one file outside of what was walked are never seen.
      shareOfInode.clear()
      return rest
    },
  }
}

function emptyBatch(share: number): FullBatch {
  return { share, names: [], sizes: [], bytes: 0 }
}
