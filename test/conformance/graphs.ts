import { type GraphParts, graphs, type Layer } from '../../src/agent/host/dataplane/direct/graphs.js'
import type { Option } from '../../src/agent/host/dataplane/direct/volfile.js'

/** A graph that can be tried; the product's own are among them. */
export interface TriedGraph extends GraphParts {
  layers: readonly (Layer & { options?: readonly Option[] })[]
  /** The bricks tell clients what others have changed. */
  upcall?: boolean
  /** More options of the client program. */
  flags?: readonly string[]
}

const { exact, cached } = graphs
const layer = (type: string, options: readonly Option[] = []) => ({ name: type, type: `performance/${type}`, options })
/** For so long it believes what it knows unless a brick says otherwise, as glusterd's metadata-cache group has it. */
const metadataCache = layer('md-cache', [
  ['cache-invalidation', 'on'],
  ['md-cache-timeout', 600],
])
const exactWith = (...layers: TriedGraph['layers']): TriedGraph => ({ ...exact, layers: [...layers] })
const writeBehind = layer('write-behind')
const threads = layer('io-threads')

export const triedGraphs: Record<string, TriedGraph> = {
  ...graphs,
  /** No name lives on. */
  'exact-names': { ...exact, entryTimeoutSeconds: 0 },
  /** The kernel asks for the time of change before it reads from its pages. */
  'auto-invalidation': { ...exact, entryTimeoutSeconds: 0, flags: ['--auto-invalidation=on'] },
  'auto-invalidation-pages': { ...exact, entryTimeoutSeconds: 0, keepPages: true, flags: ['--auto-invalidation=on'] },
  'attributes-in-lists': { ...exact, attributesInLists: true },
  /** Wrong for certain: a minute of old sizes. */
  stale: { ...cached, attributeTimeoutSeconds: 60, entryTimeoutSeconds: 60 },
  'no-threads': exactWith(writeBehind),
  'open-behind': exactWith(writeBehind, layer('open-behind'), threads),
  'quick-read': exactWith(writeBehind, layer('quick-read'), threads),
  'open-behind-quick-read': exactWith(writeBehind, layer('open-behind'), layer('quick-read'), threads),
  'readdir-ahead': exactWith(layer('readdir-ahead'), writeBehind, threads),
  'read-ahead': exactWith(writeBehind, layer('read-ahead'), threads),
  'nl-cache': { ...exactWith(writeBehind, layer('nl-cache', [['cache-invalidation', 'on']]), threads), upcall: true },
  'md-cache-upcall': { ...exactWith(writeBehind, metadataCache, threads), upcall: true },
  'md-cache-below-upcall': { ...exactWith(metadataCache, writeBehind, threads), upcall: true },
  'all-upcall': {
    ...exactWith(
      writeBehind,
      layer('open-behind'),
      layer('quick-read'),
      layer('nl-cache', [['cache-invalidation', 'on']]),
      metadataCache,
      threads,
    ),
    upcall: true,
  },
}

/** The volfile of a brick, with the translator that tells clients what others have changed, above the locks. */
export function withUpcall(volfile: string): string {
  const upcall = [
    'volume data.upcall',
    '    type features/upcall',
    '    option cache-invalidation on',
    '    option cache-invalidation-timeout 600',
    '    subvolumes data.locks',
    'end-volume',
    '',
  ].join('\n')
  return volfile
    .replace('subvolumes data.locks\n', 'subvolumes data.upcall\n')
    .replace('volume data.threads\n', `${upcall}\nvolume data.threads\n`)
}
