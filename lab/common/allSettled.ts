/** Does it for all at once, and waits for every one of them even when one fails: nothing goes on behind the back of a clean-up. */
export async function allSettled<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const ends = await Promise.allSettled([...items].map(work))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed) throw failed.reason
}
