import type { DesiredKind } from '../model/documents/desired.js'
import { desiredKinds } from '../model/documents/desired.js'

/** Every key, without the prefix `/burstbuffer/` that the store adds. */
export const keys = {
  leader: 'leader',
  leaderWanted: 'leader-wanted',
  placement: 'placement',
  cluster: 'cluster',
  /** Written by that agent, under its lease: it exists while the agent is alive. */
  host: (host: string) => `hosts/${host}`,
  /** Written by that agent; stays when it dies. */
  inventory: (host: string) => `inventory/${host}`,
  /** The cordon of a whole host, or of one of its devices. Written by the scheduler. */
  cordon: (host: string, device?: string) => (device === undefined ? `cordons/${host}` : `cordons/${host}/${device}`),
  /** `name`: the buffer's, or `name~id` when it was archived. Written by the scheduler. */
  buffer: (name: string) => `buffers/${name}`,
  /** Plain text, for operators. Written by the scheduler. */
  mountpoint: (name: string) => `buffers/${name}/mountpoint`,
  /** `token`: a job id or a persistent buffer's name, with `~id` when it was archived. Written by the scheduler. */
  session: (token: string) => `sessions/${token}`,
  /** The prefix of a buffer's events, in the order in which they happened. */
  events: (name: string) => `events/${name}/`,
  /** `sequence`: padded to eight digits, so that keys sort as numbers do. Written by the scheduler. */
  event: (name: string, sequence: number) => `events/${name}/${String(sequence).padStart(8, '0')}`,
  /** The prefix of the host's desired documents, which its agent watches. */
  desiredOf: (host: string) => `desired/${host}/`,
  /** Written by the leader. A key that is missing means: leave it alone. */
  desired: (host: string, kind: DesiredKind, id: string) => `desired/${host}/${kind}/${id}`,
  /** The prefix of the host's reports. */
  observedOf: (host: string) => `observed/${host}/`,
  /** Written only by that host's agent. */
  observed: (host: string, kind: DesiredKind, id: string) => `observed/${host}/${kind}/${id}`,
}

export type ParsedKey =
  | { collection: 'hosts' | 'inventory'; host: string }
  | { collection: 'cordons'; host: string; device?: string }
  | { collection: 'buffers' | 'mountpoints' | 'sessions'; name: string }
  | { collection: 'desired'; host: string; kind: DesiredKind; id: string }
  | { collection: 'observed'; host: string; kind: DesiredKind; id: string }
  | { collection: 'events'; name: string; sequence: number }
  | { collection: 'leader' | 'leader-wanted' | 'placement' | 'cluster' }

/** Longer than any key that our programs write; etcd itself has no limit. */
const maxKeyLength = 512

/**
 * Which document a key holds; undefined for a key that none of our programs writes. Throws nothing, whatever the key.
 */
export function parseKey(key: string): ParsedKey | undefined {
  if (key.length > maxKeyLength) return undefined
  const [collection, a, b, c, ...rest] = key.split('/')
  if (rest.length > 0) return undefined
  switch (collection) {
    case 'leader':
    case 'leader-wanted':
    case 'placement':
    case 'cluster':
      return a === undefined ? { collection } : undefined
    case 'hosts':
    case 'inventory':
      return a && b === undefined ? { collection, host: a } : undefined
    case 'cordons':
      if (!a || b === '' || c !== undefined) return undefined
      return b === undefined ? { collection, host: a } : { collection, host: a, device: b }
    case 'sessions':
      return a && b === undefined ? { collection, name: a } : undefined
    case 'buffers':
      if (!a || c !== undefined) return undefined
      if (b === 'mountpoint') return { collection: 'mountpoints', name: a }
      return b === undefined ? { collection, name: a } : undefined
    case 'events':
      if (!a || !b || !/^\d+$/.test(b) || c !== undefined) return undefined
      return { collection, name: a, sequence: Number(b) }
    case 'desired':
    case 'observed':
      if (!a || !b || !c || !(desiredKinds as string[]).includes(b)) return undefined
      return { collection, host: a, kind: b as DesiredKind, id: c }
    default:
      return undefined
  }
}
