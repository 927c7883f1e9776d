/** Every open sees what was closed before it on any node; or pages are kept, which trusts the nodes' clocks. */
export type Graph = 'exact' | 'cached'

/** A translator of a client's stack above the bricks. */
export interface Layer {
  /** What its name in the volfile is. */
  name: string
  type: string
}

/**
 * How a client is made: the layers above the bricks, the lowest first, and what the kernel keeps. In no graph does anything
 * keep the attributes of files: with md-cache half of the histories of `npm run conformance` were wrong on one node alone, and
 * an attribute-timeout without it has left files too short.
 */
export interface GraphParts {
  layers: readonly Layer[]
  /** For so long the kernel believes that a name means the same file. */
  entryTimeoutSeconds: number
  /**
   * Whether the kernel keeps the pages that it has read. It compares the time of the last change before it uses them, and
   * a node whose clock is behind does not move that time on: its change is then never seen by a node that has the old pages
   * (measured, 10.3). Without them each open reads anew.
   */
  keepPages: boolean
}

/**
 * Tried and wrong (docs/performance.md): quick-read, nl-cache and md-cache, the last with the bricks' invalidation too.
 */
const layers: readonly Layer[] = [
  { name: 'write-behind', type: 'performance/write-behind' },
  { name: 'threads', type: 'performance/io-threads' },
]

export const graphs: Record<Graph, GraphParts> = {
  exact: { layers, entryTimeoutSeconds: 1, keepPages: false },
  cached: { layers, entryTimeoutSeconds: 1, keepPages: true },
}

/** The graph for a job's client_cache. */
export function graphOf(clientCache = false): GraphParts {
  return graphs[clientCache ? 'cached' : 'exact']
}
