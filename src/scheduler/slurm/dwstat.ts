import type { Cluster } from '../../model/cluster.js'
import { quote } from '../../model/names.js'
import { phaseOf } from '../../model/phase.js'
import type { SchedulerConfig } from '../config.js'
import { poolsOf } from '../pools.js'
import { accessType, shownBuffers, shownSessions } from './replies.js'

export interface DwstatMeans {
  cluster: Cluster
  config: SchedulerConfig
  /** The user's name, or the number itself for one that has none. */
  userName(uid: number): string
}

/** A table of DataWarp's dwstat: scripts in the field read its right-aligned columns by position. */
type Table = (means: DwstatMeans) => string[][]

const tables: Record<string, Table> = {
  pools: ({ cluster, config }) => [
    ['pool', 'units', 'quantity', 'free', 'gran'],
    ...poolsOf(cluster, config).map(({ name, granularityBytes, quantity, free }) => [
      name,
      'bytes',
      binarySize(quantity * granularityBytes),
      binarySize(free * granularityBytes),
      binarySize(granularityBytes),
    ]),
  ],
  sessions: ({ cluster, userName }) => [
    ['sess', 'state', 'token', 'creator', 'owner', 'created', 'expiration', 'nodes'],
    ...shownSessions(cluster).map((session) => [
      String(session.id),
      state(session.buffer === undefined || cluster.buffers.get(session.buffer)?.builtAt !== undefined),
      session.token,
      userName(session.uid),
      String(session.uid),
      time(session.createdAt),
      'never',
      String(session.stage === 'running' ? session.computeHosts.length : 0),
    ]),
  ],
  instances: ({ cluster }) => [
    ['inst', 'state', 'sess', 'bytes', 'nodes', 'created', 'expiration', 'intact', 'label', 'public', 'confs'],
    ...shownBuffers(cluster).map(({ session, buffer }) => [
      String(buffer.id),
      state(buffer.builtAt !== undefined),
      String(session.id),
      binarySize(buffer.bricks.length * buffer.granularityBytes),
      String(new Set(buffer.bricks.map((brick) => brick.host)).size),
      time(buffer.createdAt),
      'never',
      phaseOf(cluster, buffer).phase === 'degraded' ? 'partial' : 'intact',
      buffer.name,
      buffer.kind === 'persistent' ? 'public' : 'private',
      '1',
    ]),
  ],
  configurations: ({ cluster }) => [
    ['conf', 'state', 'inst', 'type', 'access_type', 'activs'],
    ...shownBuffers(cluster).map(({ session, buffer }) => [
      String(buffer.id),
      state(buffer.builtAt !== undefined),
      String(buffer.id),
      'scratch',
      accessType(buffer),
      String(session.stage === 'running' ? session.computeHosts.length : 0),
    ]),
  ],
}
const groups: Record<string, string[]> = {
  most: ['pools', 'sessions', 'instances', 'configurations'],
  all: ['pools', 'sessions', 'instances', 'configurations'],
}

/** No word means `pools`. Several tables come one below the other with an empty line between. */
export function dwstat(words: readonly string[], means: DwstatMeans): { text: string } | { refused: string } {
  const asked = words.length === 0 ? ['pools'] : words.flatMap((word) => groups[word] ?? [word])
  const unknown = asked.find((word) => !Object.hasOwn(tables, word))
  if (unknown !== undefined) {
    return {
      refused: `dwstat: unknown word ${quote(unknown)}: write one of ${[...Object.keys(tables), ...Object.keys(groups)].join(', ')}`,
    }
  }
  return { text: asked.map((name) => align(tables[name]!(means))).join('\n') }
}

function align(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map((row) => `${row.map((cell, column) => cell.padStart(widths[column]!)).join(' ')}\n`).join('')
}

/** As DataWarp prints sizes: two decimals of the largest binary unit that is not above it, none when it is whole. */
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

function state(actualized: boolean): string {
  return `C${actualized ? 'A' : '-'}${actualized ? '--' : 'T-'}`
}

function time(unixSeconds: number): string {
  const date = new Date(unixSeconds * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
