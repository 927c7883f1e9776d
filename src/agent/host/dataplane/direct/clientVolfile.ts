import type { Layer } from '../common/graphs.js'
import type { Layout, MountedVolume, RemoteBrick } from './types.js'
import { connectionOptions, type Option, plainName, type Translator, volfileOf } from './volfile.js'

/* The volfile of a client: its bricks, how files lie on them, and the layers of its graph. */

/** A brick that does not answer for so long is taken for dead. */
const pingTimeoutSeconds = 10

/**
 * The whole text. It contains a secret unless there is TLS. Throws Error when the bricks do not suit the layout, or for a
 * word that is not one.
 */
export function clientVolfile(volume: MountedVolume, layers: readonly Layer[]): string {
  const bricks = volume.bricks.map((brick, index) => brickTranslator(brick, index, volume))
  const placed = placement(
    bricks.map(({ name }) => name),
    volume.layout,
  )
  return volfileOf([...bricks, ...placed, ...stack(placed.at(-1)!.name, layers)])
}

/** Its name goes into the attributes of files, so that it is told by its place alone. */
function brickTranslator({ host, port, export: name }: RemoteBrick, index: number, volume: MountedVolume): Translator {
  const access: Option[] = volume.tls
    ? []
    : [
        ['username', plainName('the user of a login', volume.login.user)],
        ['password', volume.login.password],
      ]
  return {
    name: `brick${index}`,
    type: 'protocol/client',
    options: [
      ...connectionOptions(host, volume.tls),
      ['remote-host', host],
      // With a port no port mapper is asked.
      ['remote-port', port],
      ['remote-subvolume', plainName('the name of an export', name)],
      ...access,
      ['ping-timeout', pingTimeoutSeconds],
      ['send-gids', 'true'],
    ],
  }
}

function placement(bricks: readonly string[], layout: Layout): Translator[] {
  if (bricks.length === 0) throw new Error('a client has at least one brick')
  const sets = layout.kind === 'disperse' ? dispersed(bricks, layout) : []
  const on = layout.kind === 'disperse' ? sets.map(({ name }) => name) : bricks
  return [...sets, { name: 'distribute', type: 'cluster/distribute', on }]
}

/** In sets of equal size. Over half of a set's bricks must be there, as GlusterFS has it. */
function dispersed(names: readonly string[], { bricks, redundancy }: Layout & { kind: 'disperse' }): Translator[] {
  if (redundancy < 1 || 2 * redundancy >= bricks)
    throw new Error(`a set of ${bricks} bricks cannot have the redundancy ${redundancy}`)
  if (names.length % bricks !== 0) throw new Error(`${names.length} bricks are not sets of ${bricks}`)
  return Array.from({ length: names.length / bricks }, (_, set) => ({
    name: `disperse${set}`,
    type: 'cluster/disperse',
    options: [['redundancy', redundancy]],
    on: names.slice(set * bricks, (set + 1) * bricks),
  }))
}

/** The times of files are those of the node that changed them (utime); without it every brick has its own. */
function stack(lowest: string, layers: readonly Layer[]): Translator[] {
  let below = lowest
  return [
    { name: 'times', type: 'features/utime', options: [['noatime', 'on']] as const },
    ...layers,
    { name: 'top', type: 'debug/io-stats' },
  ].map((layer) => {
    const translator = { ...layer, on: [below] }
    below = layer.name
    return translator
  })
}
