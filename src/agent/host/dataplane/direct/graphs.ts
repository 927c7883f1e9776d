import type { Graph } from './types.js'

/** A translator of a client's stack above the bricks. */
export interface Layer {
  /** What its name in the volfile is. */
  name: string
  type: string
}

/** How a client is made: the layers above the bricks, the lowest first, and what the kernel keeps. */
export interface GraphParts {
  layers: readonly Layer[]
  /** For so long the kernel answers for a file's attributes itself. */
  attributeTimeoutSeconds: number
  /** For so long the kernel believes that a name means the same file. */
  entryTimeoutSeconds: number
  /** Whether the kernel keeps a file's pages when it is opened again. */
  keepPages: boolean
  /**
   * Whether the kernel takes the attributes of files from the list of their directory. On dispersed bricks these are old
   * while a file is written: the kernel cut it and lost what was written through mappings (measured, 10.3).
   */
  attributesInLists: boolean
}

const writeBehind: Layer = { name: 'write-behind', type: 'performance/write-behind' }
const threads: Layer = { name: 'threads', type: 'performance/io-threads' }

/**
 * Measured with 10.3 by random operations on one and two nodes, 400 a run: `exact` was right in all of 240 runs; a cache of
 * attributes in the client (md-cache) made half of the runs wrong on one node, and nearly all on two. `cached` is what
 * glusterd makes by default.
 */
export const graphs: Record<Graph, GraphParts> = {
  exact: {
    layers: [writeBehind, threads],
    attributeTimeoutSeconds: 0,
    entryTimeoutSeconds: 1,
    keepPages: false,
    attributesInLists: false,
  },
  cached: {
    layers: [
      writeBehind,
      { name: 'open-behind', type: 'performance/open-behind' },
      { name: 'quick-read', type: 'performance/quick-read' },
      { name: 'md-cache', type: 'performance/md-cache' },
      threads,
    ],
    attributeTimeoutSeconds: 1,
    entryTimeoutSeconds: 1,
    keepPages: true,
    attributesInLists: true,
  },
}
