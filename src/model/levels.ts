import type { DesiredKind } from './documents/desired.js'
import type { HostDocument } from './documents/host.js'

/*
 * How documents of neighbouring releases live together (docs/operating.md, "Restarts and upgrades").
 *
 * A level counts the releases that added fields to documents. Level 1 is the first release, which refuses a document with a
 * field that it does not know; every later one keeps such fields. Agents say their levels in `hosts/<host>`
 * (`versions.documents`), the leader says its own in `leader`. Whoever writes a document that the other side reads leaves out
 * the fields that are newer than the level both know.
 */
export const levels = { lowest: 1, highest: 3 }

/** `since`: the level that added the field. `refuse`: a reader of a lower level must not get a document with it at all. */
export interface AddedField {
  since: number
  refuse?: true
}

/** Documents that scheduler and agents exchange. */
export type ExchangedDocument = 'hosts' | 'inventory' | `desired/${DesiredKind}` | `observed/${DesiredKind}`

/**
 * THE TABLE: every field that was added to a document after level 1, one line each. A field within another is written with
 * dots, through arrays too: `'devices.wwn': { since: 2 }`.
 *
 * Leaving a field out must be safe: a reader of a lower level then does what its release did. Where that is not safe, write
 * `refuse: true`: the document is not written for such a host (the host's problem says so), and an older document stays.
 */
export const addedFields: Partial<Record<ExchangedDocument, Record<string, AddedField>>> = {
  // Without it an agent trusts notes only if nobody but their user can have written them.
  // What comes with the data plane `direct` no agent may have that does not know it.
  // Without ranges no file is copied in ranges.
  'desired/transfer': {
    noteKey: { since: 2 },
    ranges: { since: 3 },
    direct: { since: 3, refuse: true },
    tls: { since: 3, refuse: true },
  },
  'desired/mount': { direct: { since: 3, refuse: true } },
  'desired/swap': { export: { since: 3, refuse: true } },
  // An agent that does not know the wipe would wipe less than was promised, and report the device as free.
  'desired/brick': {
    built: { since: 2 },
    wipe: { since: 2, refuse: true },
    dataPlane: { since: 3, refuse: true },
    // An agent that does not know it would make a directory that is not the buffer's.
    spare: { since: 3, refuse: true },
  },
  // A volume without a type is one of GlusterFS, as every volume was.
  'desired/volume': {
    type: { since: 2 },
    'bricks.device': { since: 3, refuse: true },
    'bricks.uuid': { since: 3, refuse: true },
    'bricks.port': { since: 3, refuse: true },
    directory: { since: 3, refuse: true },
    exports: { since: 3, refuse: true },
    tls: { since: 3, refuse: true },
    clients: { since: 3, refuse: true },
    sessionsLetIn: { since: 3, refuse: true },
  },
  // An agent that does not know it invites even while it is alone, as it always did.
  'desired/peer': { asMember: { since: 3 } },
  'desired/adopt': { until: { since: 2 }, wipe: { since: 2, refuse: true } },
  // A scheduler that does not know it has no pool that requires it.
  inventory: { 'devices.wipes': { since: 2 }, cut: { since: 2 }, served: { since: 3 } },
  hosts: { brickPorts: { since: 3 } },
  'observed/volume': { takenPorts: { since: 3 }, sessionsLetIn: { since: 3 }, brickBytes: { since: 3 } },
  'observed/brick': { wiping: { since: 2 } },
  'observed/adopt': { wiping: { since: 2 } },
}

/** The levels of this program. */
export const ourLevels = `${levels.lowest}-${levels.highest}`

/**
 * The highest level that this release and the other side both know; undefined when there is none. `theirs`: as in
 * `1-2`; level 1 when it is absent or not of that form.
 */
export function commonLevel(theirs: string | undefined): number | undefined {
  const [lowest, highest] = parseLevels(theirs)
  const common = Math.min(levels.highest, highest)
  return common >= Math.max(levels.lowest, lowest) ? common : undefined
}

/** The highest level that this release and the agent of that host both know; undefined when there is none. */
export function levelOfHost({ versions }: Pick<HostDocument, 'versions'>): number | undefined {
  return commonLevel(versions['documents'])
}

/** True when a host's agent gets an added field. Throws a TypeError when the field is not in `addedFields`. */
export function knowsField(host: Pick<HostDocument, 'versions'>, kind: ExchangedDocument, field: string): boolean {
  return (levelOfHost(host) ?? 0) >= addedFields[kind]![field]!.since
}

/** A host that is alive and knows only level 1, if there is one: the scheduler does not begin what such an agent would do wrong. */
export function hostOfFirstRelease({ hosts }: { hosts: ReadonlyMap<string, HostDocument> }): HostDocument | undefined {
  return [...hosts.values()].find(isOfFirstRelease)
}

/** True when the agent knows only level 1, or no level in common with this release. */
export function isOfFirstRelease(host: Pick<HostDocument, 'versions'>): boolean {
  return (levelOfHost(host) ?? 0) < 2
}

/**
 * The document as a reader of that level knows it: a copy without newer fields, or the document itself when it has
 * none. Fields with `refuse` are left out too; ask `refusedFields` first.
 */
export function toLevel<T extends object>(document: T, kind: ExchangedDocument, level: number): T {
  return newerFields(document, kind, level).reduce((form, [path]) => without(form, path.split('.')), document)
}

/**
 * Newer fields of it for which a reader of that level may not have the document at all, as paths with dots. Empty: it
 * may be written.
 */
export function refusedFields(document: object, kind: ExchangedDocument, level: number): string[] {
  return newerFields(document, kind, level).flatMap(([path, { refuse }]) => (refuse ? [path] : []))
}

function newerFields(document: object, kind: ExchangedDocument, level: number): [string, AddedField][] {
  const newer = Object.entries(addedFields[kind] ?? {}).filter(([, { since }]) => since > level)
  return newer.filter(([path]) => has(document, path.split('.')))
}

/** Programs of level 1 do not report their levels. */
function parseLevels(text = '1-1'): [number, number] {
  const found = /^([0-9]{1,4})-([0-9]{1,4})$/.exec(text)
  return found ? [Number(found[1]), Number(found[2])] : [1, 1]
}

function has(value: unknown, [field, ...rest]: string[]): boolean {
  if (Array.isArray(value)) return value.some((item) => has(item, [field!, ...rest]))
  if (typeof value !== 'object' || value === null) return false
  const inner = (value as Record<string, unknown>)[field!]
  return inner !== undefined && (rest.length === 0 || has(inner, rest))
}

function without<T>(value: T, [field, ...rest]: string[]): T {
  if (Array.isArray(value)) return value.map((item: unknown) => without(item, [field!, ...rest])) as T
  if (typeof value !== 'object' || value === null) return value
  const { [field!]: inner, ...others } = value as Record<string, unknown>
  if (rest.length === 0 || inner === undefined) return others as T
  return { ...others, [field!]: without(inner, rest) } as T
}
