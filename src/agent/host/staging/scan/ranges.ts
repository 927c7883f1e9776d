/*
 * A large file is cut into ranges, which the hosts copy at once: several for each host, because a network mount waits
 * for one answer at a time, and because what is noted need not be copied again.
 */
export interface Range {
  at: number
  bytes: number
}

const perHost = 4
/** Smaller ranges cost more programs and notes than they gain. */
export const smallestRange = 256 * 1024 ** 2
const largestRange = 16 * 1024 ** 3
/** Ranges begin at multiples of it. */
const unit = 1024 ** 2

/** The ranges of a file for so many hosts; none when it is too small to be cut. */
export function rangesOf(bytes: number, hosts: number, smallest = smallestRange): Range[] {
  if (bytes < 2 * smallest) return []
  const wanted = Math.min(largestRange, Math.max(smallest, bytes / (hosts * perHost)))
  const length = Math.ceil(wanted / unit) * unit
  return Array.from({ length: Math.ceil(bytes / length) }, (_, index) => {
    const at = index * length
    return { at, bytes: Math.min(length, bytes - at) }
  })
}
