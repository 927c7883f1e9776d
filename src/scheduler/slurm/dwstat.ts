import type { Clock } from '../../daemon/clock.js'
import { each, inSlices, type Work } from '../../daemon/slices.js'
import { isReady, serversOf } from '../../model/buffers.js'
import { capacityOf } from '../../model/capacity.js'
import { hostKey, type Cluster } from '../../model/cluster.js'
import { quote } from '../../model/names.js'
import { sessionPath } from '../../model/paths.js'
import { phaseOf } from '../../model/phase.js'
import type { SchedulerConfig } from '../config.js'
import { devicesOf } from '../cluster/devices.js'
import { compareNames } from '../../model/names.js'
import { poolsOf } from '../cluster/pools.js'
import { accessType, shownBuffers, shownSessions } from './functions/replies.js'

export interface DwstatDependencies {
  cluster: Cluster
  config: SchedulerConfig
  clock: Clock
  /** The user's name, or the number itself for one that has none. */
  userName(uid: number): string
}

/**
 * A table of DataWarp's dwstat. Existing scripts read its right-aligned columns by position. The head is the first line; a table
 * without rows is printed as one line that says so. Which rows there are is of one moment; what stands in each may be some
 * milliseconds younger.
 */
interface Table {
  head: string[]
  rows: (deps: DwstatDependencies) => Work<string[][]>
}

const tables: Record<string, Table> = {
  pools: {
    head: ['pool', 'units', 'quantity', 'free', 'gran'],
    rows: ({ cluster, config }) =>
      each(poolsOf(cluster, config), ({ name, granularityBytes, quantity, free }) => [
        name,
        'bytes',
        binarySize(quantity * granularityBytes),
        binarySize(free * granularityBytes),
        wholeSize(granularityBytes),
      ]),
  },
  sessions: {
    head: ['sess', 'state', 'token', 'creator', 'owner', 'created', 'expiration', 'nodes'],
    rows: ({ cluster, userName }) =>
      each(shownSessions(cluster), (session) => [
        String(session.id),
        state(session.buffer === undefined || cluster.buffers.get(session.buffer)?.builtAt !== undefined),
        session.token,
        userName(session.uid),
        String(session.uid),
        time(session.createdAt),
        'never',
        String(session.stage === 'running' ? session.computeHosts.length : 0),
      ]),
  },
  instances: {
    head: ['inst', 'state', 'sess', 'bytes', 'nodes', 'created', 'expiration', 'intact', 'label', 'public', 'confs'],
    rows: ({ cluster }) =>
      each(shownBuffers(cluster), ({ session, buffer }) => [
        String(buffer.id),
        state(buffer.builtAt !== undefined),
        String(session.id),
        binarySize(capacityOf(buffer)),
        String(new Set(buffer.bricks.map((brick) => brick.host)).size),
        time(buffer.createdAt),
        'never',
        phaseOf(cluster, buffer).phase === 'degraded' ? 'partial' : 'intact',
        buffer.name,
        buffer.kind === 'persistent' ? 'public' : 'private',
        '1',
      ]),
  },
  configurations: {
    head: ['conf', 'state', 'inst', 'type', 'activs', 'access_type'],
    rows: ({ cluster }) =>
      each(shownBuffers(cluster), ({ session, buffer }) => [
        String(buffer.id),
        state(buffer.builtAt !== undefined),
        String(buffer.id),
        'scratch',
        String(session.stage === 'running' ? session.computeHosts.length : 0),
        accessType(buffer),
      ]),
  },
  /** A buffer that a session may mount, whether nodes have it mounted or not. */
  registrations: {
    head: ['reg', 'state', 'sess', 'conf', 'wait'],
    rows: ({ cluster }) =>
      each(shownBuffers(cluster), ({ session, buffer }) => [
        String(buffer.id),
        state(buffer.builtAt !== undefined),
        String(session.id),
        String(buffer.id),
        'wait',
      ]),
  },
  /** A buffer that is mounted on nodes. */
  activations: {
    head: ['activ', 'state', 'sess', 'conf', 'nodes', 'mount'],
    rows: ({ cluster, config }) =>
      each(
        shownBuffers(cluster).filter(({ session }) => session.stage === 'running' && session.computeHosts.length > 0),
        ({ session, buffer }) => [
          String(buffer.id),
          state(true),
          String(session.id),
          String(buffer.id),
          String(session.computeHosts.length),
          sessionPath(config.mountRoot, session),
        ],
      ),
  },
  /** A host with devices of several pools has a line for each pool. */
  nodes: {
    head: ['node', 'pool', 'online', 'drain', 'gran', 'capacity', 'insts', 'activs'],
    rows: ({ cluster, config }) => {
      const use = useOfHosts(cluster)
      return each(placesOf(cluster, config), ({ host, pool, granularityBytes, slots }) => [
        host,
        pool,
        cluster.hosts.has(host) ? 'online' : 'offline',
        cluster.cordons.has(host) ? 'drain' : 'fill',
        wholeSize(granularityBytes),
        binarySize(slots * granularityBytes),
        String(use.get(hostKey(host, pool))?.buffers ?? 0),
        String(use.get(hostKey(host, pool))?.activations ?? 0),
      ])
    },
  },
  /** One line for each brick. */
  fragments: {
    head: ['frag', 'state', 'inst', 'capacity', 'node'],
    rows: ({ cluster }) =>
      each(
        shownBuffers(cluster).flatMap(({ buffer }) => buffer.bricks.map((brick, index) => ({ buffer, brick, index }))),
        ({ buffer, brick, index }) => [
          String(buffer.id * 1000 + index),
          state(isReady(cluster, buffer, brick)),
          String(buffer.id),
          binarySize(buffer.granularityBytes),
          brick.host,
        ],
      ),
  },
}
/** Slurm's own tests expect this line when there are no configurations. */
const nothing: Record<string, string> = { configurations: 'no scratch, cache, swap configurations' }
const groups = new Map([
  ['most', ['pools', 'sessions', 'instances', 'configurations']],
  ['all', ['pools', 'sessions', 'instances', 'configurations', 'registrations', 'activations', 'nodes', 'fragments']],
])

/** Without words it prints `pools`. An empty line separates several tables. */
export async function dwstat(
  words: readonly string[],
  deps: DwstatDependencies,
): Promise<{ text: string } | { refused: string }> {
  // Each table once: any user may call it, with as many words as a command line can hold.
  const asked = new Set(words.length === 0 ? ['pools'] : words.flatMap((word) => groups.get(word) ?? [word]))
  const unknown = [...asked].find((word) => !Object.hasOwn(tables, word))
  if (unknown !== undefined) {
    return {
      refused: `dwstat: unknown word ${quote(unknown)}: write one of ${[...Object.keys(tables), ...groups.keys()].join(', ')}`,
    }
  }
  const texts: string[] = []
  for (const name of asked) texts.push(await inSlices(deps.clock, printed(name, deps)))
  return { text: texts.join('\n') }
}

function* printed(name: string, deps: DwstatDependencies): Work<string> {
  const { head, rows } = tables[name]!
  const found = yield* rows(deps)
  return found.length > 0 ? yield* align([head, ...found]) : `${nothing[name] ?? `no ${name}`}\n`
}

/** Every host of each pool, with the number of its slots there. */
function placesOf(cluster: Cluster, config: SchedulerConfig) {
  return Object.entries(config.pools).flatMap(([pool, { granularityBytes, wipe }]) => {
    const slots = new Map<string, number>()
    for (const { host, availability } of devicesOf(cluster, { pool, granularityBytes, wipe })) {
      const counts = availability !== 'foreign' && availability !== 'refused' && availability !== 'too small'
      slots.set(host, (slots.get(host) ?? 0) + (counts ? 1 : 0))
    }
    return [...slots]
      .sort(([a], [b]) => compareNames(a, b))
      .map(([host, count]) => ({ host, pool, granularityBytes, slots: count }))
  })
}

/** By `host/pool`: buffers with a brick there, and the nodes that have them mounted. */
function useOfHosts(cluster: Cluster): Map<string, { buffers: number; activations: number }> {
  const use = new Map<string, { buffers: number; activations: number }>()
  for (const { session, buffer } of shownBuffers(cluster)) {
    const nodes = session.stage === 'running' ? session.computeHosts.length : 0
    for (const host of serversOf(buffer)) {
      const { buffers, activations } = use.get(hostKey(host, buffer.pool)) ?? { buffers: 0, activations: 0 }
      use.set(hostKey(host, buffer.pool), { buffers: buffers + 1, activations: activations + nodes })
    }
  }
  return use
}

function* align(rows: string[][]): Work<string> {
  const widths = rows[0]!.map(() => 0)
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column]!, cell.length)
    yield
  }
  const lines = yield* each(rows, (row) => `${row.map((cell, column) => cell.padStart(widths[column]!)).join(' ')}\n`)
  return lines.join('')
}

/** As DataWarp prints sizes: in the largest binary unit that is not larger, with two decimals unless it is a whole number. */
function binarySize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number.isInteger(value) ? value : value.toFixed(2)}${units[unit]}`
}

/** A size that a script can calculate with and write as capacity=: a whole number of the largest unit, binary or decimal. */
function wholeSize(bytes: number): string {
  const units = ['K', 'M', 'G', 'T', 'P'].flatMap((prefix, index) => [
    { name: `${prefix}iB`, size: 1024 ** (index + 1) },
    { name: `${prefix}B`, size: 1000 ** (index + 1) },
  ])
  const [unit = { name: '', size: 1 }] = units.filter(({ size }) => bytes % size === 0).sort((a, b) => b.size - a.size)
  return `${bytes / unit.size}${unit.name}`
}

/** Goal, actualized, fuse blown, transitioning, mixed. */
function state(actualized: boolean): string {
  return actualized ? 'CA---' : 'C--T-'
}

function time(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
