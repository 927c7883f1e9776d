import { createHash } from 'node:crypto'
import type { BrickExport, DirectBrick } from './documents/direct.js'
import type { DirectVolume } from './documents/volume.js'

/*
 * Each field that counts is named here: a field that a later release adds to these documents restarts no brick process under a
 * running job, and lets no host of the earlier release say another fingerprint, unless it is added here too.
 */

/** A fingerprint of what a host serves of a volume: 43 characters. It does not reveal the passwords, because these are random. */
export function fingerprintOf({
  bricks,
  directory,
  exports,
}: Pick<DirectVolume, 'bricks' | 'directory' | 'exports'>): string {
  const made = onceFor(madeTexts, exports, () =>
    exports.map(({ uid, gid, mode, ...each }) => ({ ...startedOfExport(each), uid, gid, mode })),
  )
  return digestOf(bricks.map(startedOfBrick), directory, made)
}

/**
 * A fingerprint of what the process of one brick is started with. Who may connect, and whose the exports' directories are, are
 * not in it: both change while jobs have the buffer mounted (a persistent buffer is shared with a group), and need no restart.
 */
export function servedFingerprintOf({ directory, exports }: DirectVolume, brick: DirectBrick): string {
  // guard: started-with
  const started = onceFor(startedTexts, exports, () => {
    const byName = [...exports].sort((a, b) => (a.name < b.name ? -1 : 1))
    return byName.map(startedOfExport)
  })
  return digestOf(startedOfBrick(brick), directory, started)
}

/** A fingerprint of a session and of the addresses of its clients, whatever their order. */
export function sessionFingerprintOf({ id }: { id: number }, addresses: readonly string[]): string {
  return digestOf(id, [...addresses].sort())
}

function startedOfBrick({ device, uuid, port }: DirectBrick) {
  return { device, uuid, port }
}

function startedOfExport({
  name,
  directory,
  login,
  holder,
}: Pick<BrickExport, 'name' | 'directory' | 'login' | 'holder'>) {
  return { name, directory, ...(login ? { login: { user: login.user, password: login.password } } : { holder }) }
}

/** JSON that was made already. */
class Json {
  constructor(readonly text: string) {}
}

/** Exports of a job on thousands of nodes are as many, and the same for each host and for each brick. */
type OfExports = WeakMap<readonly BrickExport[], Json>
const madeTexts: OfExports = new WeakMap()
const startedTexts: OfExports = new WeakMap()

function onceFor(known: OfExports, exports: readonly BrickExport[], make: () => unknown): Json {
  let json = known.get(exports)
  if (!json) known.set(exports, (json = new Json(jsonOf(make()))))
  return json
}

/** Of the JSON of a list of these. */
function digestOf(...values: readonly unknown[]): string {
  const texts = values.map((value) => (value instanceof Json ? value.text : jsonOf(value)))
  return createHash('sha256')
    .update(`[${texts.join(',')}]`)
    .digest('base64url')
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, inOrder)
}

/** Sorts fields by name, so that the order in which a document was written does not matter. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
