import type { DesiredKind } from '../model/documents/desired.js'
import { desiredKinds } from '../model/documents/desired.js'

/** Every key, without the `/burstbuffer/` prefix that the store itself puts before it. */
export const keys = {
  leader: 'leader',
  leaderWanted: 'leader-wanted',
  placement: 'placement',
  cluster: 'cluster',
  host: (host: string) => `hosts/${host}`,
  inventory: (host: string) => `inventory/${host}`,
  cordon: (host: string, device?: string) => (device === undefined ? `cordons/${host}` : `cordons/${host}/${device}`),
  buffer: (name: string) => `buffers/${name}`,
  mountpoint: (name: string) => `buffers/${name}/mountpoint`,
  session: (token: string) => `sessions/${token}`,
  events: (name: string) => `events/${name}/`,
  event: (name: string, sequence: number) => `events/${name}/${String(sequence).padStart(8, '0')}`,
  desiredOf: (host: string) => `desired/${host}/`,
  desired: (host: string, kind: DesiredKind, id: string) => `desired/${host}/${kind}/${id}`,
  observedOf: (host: string) => `observed/${host}/`,
  observed: (host: string, kind: DesiredKind, id: string) => `observed/${host}/${kind}/${id}`,
}

export type ParsedKey =
  | { room: 'hosts' | 'inventory'; host: string }
  | { room: 'cordons'; host: string; device?: string }
  | { room: 'buffers' | 'mountpoints' | 'sessions'; name: string }
  | { room: 'desired'; host: string; kind: DesiredKind; id: string }
  | { room: 'observed'; host: string; kind: DesiredKind; id: string }
  | { room: 'events'; name: string; sequence: number }
  | { room: 'leader' | 'leader-wanted' | 'placement' | 'cluster' }

/** Longer than any that our programs write; etcd itself sets no limit. */
const maxKeyLength = 512

/** Tells which document a key holds; undefined for a key that none of our programs writes. */
export function parseKey(key: string): ParsedKey | undefined {
  if (key.length > maxKeyLength) return undefined
  const [room, a, b, c, ...rest] = key.split('/')
  if (rest.length > 0) return undefined
  switch (room) {
    case 'leader':
    case 'leader-wanted':
    case 'placement':
    case 'cluster':
      return a === undefined ? { room } : undefined
    case 'hosts':
    case 'inventory':
      return a && b === undefined ? { room, host: a } : undefined
    case 'cordons':
      if (!a || b === '' || c !== undefined) return undefined
      return b === undefined ? { room, host: a } : { room, host: a, device: b }
    case 'sessions':
      return a && b === undefined ? { room, name: a } : undefined
    case 'buffers':
      if (!a || c !== undefined) return undefined
      if (b === 'mountpoint') return { room: 'mountpoints', name: a }
      return b === undefined ? { room, name: a } : undefined
    case 'events':
      if (!a || !b || !/^\d+$/.test(b) || c !== undefined) return undefined
      return { room, name: a, sequence: Number(b) }
    case 'desired':
    case 'observed':
      if (!a || !b || !c || !(desiredKinds as string[]).includes(b)) return undefined
      return { room, host: a, kind: b as DesiredKind, id: c }
    default:
      return undefined
  }
}
