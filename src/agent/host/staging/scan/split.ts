/*
 * Cuts a stream of files into shares, one for each host, and each share into batches, one for each run of rsync. A file
 * goes to the share with the least to do so far, in bytes and files. All names of one inode go into one batch, because
 * only one run of rsync can link them again. Files with holes have batches of their own, because rsync is several times
 * slower with --sparse. Only open batches are kept in memory.
 *
 * Why not fpart, which does much the same: it ignores hard links, and reads only one name a line from a list.
 */
export interface Listed {
  name: string
  bytes: number
  inode: string
  /** The inode may have other names, which follow directly. */
  isLinked?: boolean
  /** It has holes. */
  isSparse?: boolean
}

export interface FullBatch {
  share: number
  isSparse: boolean
  names: string[]
  sizes: number[]
  bytes: number
}

export interface SplitLimits {
  /** A batch is full when it has so many files or so many bytes. */
  files: number
  bytes: number
}

/** The cost of a file besides its bytes (open, attributes, close), in bytes at some hundred MB/s. */
const bytesOfAFile = 256 * 1024

/** Cuts a stream of files into shares and batches. Keeps only open batches in memory. */
export interface Splitter {
  /** Adds the file. Returns the batch to which it would have gone, if that was full. */
  add(file: Listed): FullBatch | undefined
  /** Gives the share with the least to do so many bytes more: its number. */
  place(bytes: number): number
  /** The open batches. Later files begin new batches, and still go to the share with the least to do. */
  end(): FullBatch[]
  readonly shares: readonly { files: number; bytes: number }[]
}

/** `of`: the number of shares, one for each host. A batch may exceed the limits by the names of one inode. */
export function splitter(of: number, limits: SplitLimits): Splitter {
  const shares = Array.from({ length: of }, () => ({ files: 0, bytes: 0 }))
  const empty = () => [false, true].map((isSparse) => shares.map((_, share) => emptyBatch(share, isSparse)))
  let open = empty()
  let linked: { inode: string; batch: FullBatch } | undefined

  const laziest = () => {
    const load = ({ files, bytes }: { files: number; bytes: number }) => bytes + files * bytesOfAFile
    return shares.reduce((least, share, index) => (load(share) < load(shares[least]!) ? index : least), 0)
  }
  const put = (batch: FullBatch, name: string, size: number, bytes: number) => {
    batch.names.push(name)
    batch.sizes.push(size)
    batch.bytes += bytes
    shares[batch.share]!.files++
    shares[batch.share]!.bytes += bytes
  }
  const isFull = ({ names, bytes }: FullBatch) => names.length >= limits.files || bytes >= limits.bytes
  return {
    shares,
    place: (bytes) => {
      const share = laziest()
      shares[share]!.bytes += bytes
      return share
    },
    add: ({ name, bytes, inode, isLinked, isSparse = false }) => {
      if (isLinked && linked?.inode === inode) {
        put(linked.batch, name, bytes, 0)
        return undefined
      }
      const share = laziest()
      const ofKind = open[Number(isSparse)]!
      const before = ofKind[share]!
      const batch = isFull(before) ? emptyBatch(share, isSparse) : before
      ofKind[share] = batch
      linked = isLinked ? { inode, batch } : undefined
      put(batch, name, bytes, bytes)
      return before === batch ? undefined : before
    },
    end: () => {
      const rest = open.flat().filter(({ names }) => names.length > 0)
      open = empty()
      linked = undefined
      return rest
    },
  }
}

function emptyBatch(share: number, isSparse: boolean): FullBatch {
  return { share, isSparse, names: [], sizes: [], bytes: 0 }
}
