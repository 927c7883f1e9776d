/** Acts on all items at once, and waits for all of them even if one fails: nothing is still running when the caller cleans up. */
export async function allSettled<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const ends = await Promise.allSettled([...items].map(work))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
}
