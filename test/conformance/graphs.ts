import { type GraphParts, graphs, type Layer } from '../../src/agent/host/dataplane/common/graphs.js'
import type { Option } from '../../src/agent/host/dataplane/direct/volfile.js'

/** A graph that can be tried; the product's own are among them. */
export interface TriedGraph extends GraphParts {
  layers: readonly (Layer & { options?: readonly Option[] })[]
  /** The bricks tell clients what others have changed. */
  upcall?: boolean
  /** More options of the client program: they come last, and count. */
  flags?: readonly string[]
}

const { exact, cached } = graphs
const layer = (type: string, options: readonly Option[] = []) => ({ name: type, type: `performance/${type}`, options })
const exactWith = (...layers: TriedGraph['layers']): TriedGraph => ({ ...exact, layers })
const [writeBehind, threads] = [layer('write-behind'), layer('io-threads')]
const [openBehind, quickRead] = [layer('open-behind'), layer('quick-read')]
const nameCache = layer('nl-cache', [['cache-invalidation', 'on']])
/** For so long it believes what it knows unless a brick says otherwise, as glusterd's group metadata-cache has it. */
const metadataCache = layer('md-cache', [
  ['cache-invalidation', 'on'],
  ['md-cache-timeout', 600],
])
/** What glusterd makes unless it is told otherwise, and as mount.glusterfs mounts it. */
const glusterdLayers = [writeBehind, openBehind, quickRead, layer('md-cache'), threads]
const kernelKeeps = (seconds: number) => [
  `--attribute-timeout=${seconds}`,
  `--entry-timeout=${seconds}`,
  '--auto-invalidation=off',
  '--use-readdirp=yes',
]

export const triedGraphs: Record<string, TriedGraph> = {
  ...graphs,
  /** No name lives on. */
  'exact-names': { ...exact, entryTimeoutSeconds: 0 },
  'cached-names': { ...cached, entryTimeoutSeconds: 0 },
  glusterd: { ...cached, layers: glusterdLayers, flags: kernelKeeps(1) },
  /** Wrong for certain: a minute of old sizes. */
  stale: { ...cached, layers: glusterdLayers, flags: kernelKeeps(60) },
  'no-attributes-in-lists': { ...exact, flags: ['--use-readdirp=no'] },
  'attributes-in-lists': { ...exact, flags: ['--use-readdirp=yes'] },
  'pages-not-compared': { ...cached, flags: ['--auto-invalidation=off'] },
  'no-threads': exactWith(writeBehind),
  'open-behind': exactWith(writeBehind, openBehind, threads),
  'quick-read': exactWith(writeBehind, quickRead, threads),
  'wide-write-behind': exactWith(layer('write-behind', [['cache-size', '16MB']]), threads),
  'write-behind-at-once': exactWith(layer('write-behind', [['trickling-writes', 'off']]), threads),
  'readdir-ahead': exactWith(layer('readdir-ahead'), writeBehind, threads),
  'read-ahead': exactWith(writeBehind, layer('read-ahead'), threads),
  'nl-cache-upcall': { ...exactWith(writeBehind, nameCache, threads), upcall: true },
  'md-cache-upcall': { ...exactWith(writeBehind, metadataCache, threads), upcall: true },
  'md-cache-below-upcall': { ...exactWith(metadataCache, writeBehind, threads), upcall: true },
  'all-upcall': {
    ...exactWith(writeBehind, openBehind, quickRead, nameCache, metadataCache, threads),
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
