import { hostKey, type ClusterIndex } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import { type AnyDesired, type Desired, isOfSession, type SessionKind } from '../../model/documents/desired.js'
import type { SessionDocument } from '../../model/documents/session.js'

/** Answers for which a full scan would be too slow with ten thousand buffers. */
export class Indexes implements ClusterIndex {
  private readonly bufferKeys = new Map<number, string>()
  private readonly sessionKeys = new Map<number, string>()
  private readonly users = new Map<string, Map<string, SessionDocument>>()
  private readonly ofBuffer = new Map<number, Set<string>>()
  private readonly ofSession = new Map<number, Map<string, { host: string; document: Desired[SessionKind] }>>()
  private readonly owners = new Map<string, number>()

  /** Key of the buffer's document by its id. */
  bufferKey(id: number): string | undefined {
    return this.bufferKeys.get(id)
  }

  sessionKey(id: number): string | undefined {
    return this.sessionKeys.get(id)
  }

  sessionsUsing(bufferKey: string) {
    return [...(this.users.get(bufferKey)?.values() ?? [])]
  }

  desiredOf<K extends SessionKind>(kind: K, sessionId: number): { host: string; document: Desired[K] }[] {
    return [...(this.ofSession.get(sessionId)?.values() ?? [])].filter(
      (one): one is { host: string; document: Desired[K] } => one.document.kind === kind,
    )
  }

  /** Every brick and volume key in `desired/` that is of the buffer with this id. */
  keysOfBuffer(id: number): ReadonlySet<string> {
    return this.ofBuffer.get(id) ?? new Set()
  }

  /** Every mount, transfer and swap key in `desired/` that is of the session with this id. */
  keysOfSession(id: number): ReadonlySet<string> {
    return new Set(this.ofSession.get(id)?.keys() ?? [])
  }

  /** Ids that desired keys name. */
  desiredOwners(): { buffers: Iterable<number>; sessions: Iterable<number> } {
    return { buffers: this.ofBuffer.keys(), sessions: this.ofSession.keys() }
  }

  /** Id of the buffer that a device was given to. */
  ownerOf(host: string, device: string): number | undefined {
    return this.owners.get(hostKey(host, device))
  }

  addBuffer(key: string, buffer: BufferDocument | undefined): void {
    if (!buffer) return
    this.bufferKeys.set(buffer.id, key)
    for (const { host, device } of [...buffer.bricks, ...buffer.released])
      this.owners.set(hostKey(host, device), buffer.id)
  }

  /** A buffer that is archived may be under its new key before it is gone from the old one. */
  removeBuffer(key: string, buffer: BufferDocument | undefined): void {
    if (!buffer || this.bufferKeys.get(buffer.id) !== key) return
    this.bufferKeys.delete(buffer.id)
    for (const { host, device } of [...buffer.bricks, ...buffer.released]) {
      if (this.owners.get(hostKey(host, device)) === buffer.id) this.owners.delete(hostKey(host, device))
    }
  }

  addSession(key: string, session: SessionDocument | undefined): void {
    if (!session) return
    this.sessionKeys.set(session.id, key)
    for (const buffer of buffersOf(session)) entryOf(this.users, buffer, () => new Map()).set(key, session)
  }

  removeSession(key: string, session: SessionDocument | undefined): void {
    if (!session) return
    if (this.sessionKeys.get(session.id) === key) this.sessionKeys.delete(session.id)
    for (const buffer of buffersOf(session)) removeFrom(this.users, buffer, key)
  }

  addDesired(key: string, host: string, document: AnyDesired | undefined): void {
    if (!document) return
    if (isOfSession(document)) {
      entryOf(this.ofSession, document.session.id, () => new Map()).set(key, { host, document })
    } else if ('buffer' in document) {
      entryOf(this.ofBuffer, document.buffer.id, () => new Set()).add(key)
    }
  }

  removeDesired(key: string, document: AnyDesired | undefined): void {
    if (!document) return
    if (isOfSession(document)) removeFrom(this.ofSession, document.session.id, key)
    else if ('buffer' in document) removeFrom(this.ofBuffer, document.buffer.id, key)
  }
}

function buffersOf({ buffer, uses }: SessionDocument): string[] {
  return buffer === undefined ? uses : [buffer, ...uses]
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let found = map.get(key)
  if (found === undefined) map.set(key, (found = make()))
  return found
}

/** Deletes empty entries, so that names of deleted buffers do not pile up. */
function removeFrom<K>(map: Map<K, Map<string, unknown> | Set<string>>, key: K, member: string): void {
  const found = map.get(key)
  found?.delete(member)
  if (found?.size === 0) map.delete(key)
}
