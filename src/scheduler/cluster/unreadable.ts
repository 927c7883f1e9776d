import type { Cluster } from '../../model/cluster.js'
import { parseKey } from '../../store/keys.js'

/** Some document of these collections cannot be read: what no other one claims may be its own. */
export function hasUnreadable(
  { invalid }: Pick<Cluster, 'invalid'>,
  collections: readonly ('buffers' | 'sessions')[],
): boolean {
  const among: readonly (string | undefined)[] = collections
  return [...invalid.keys()].some((key) => among.includes(parseKey(key)?.collection))
}
