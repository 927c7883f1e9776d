/*
 * etcd for the rest of the program. There are two implementations: `etcd.ts`, and `fake.ts` for simulation.
 * Keys are given without the `/burstbuffer/` prefix: `buffers/mytest`. JSON values travel as parsed objects, with the
 * operation id of their last write taken off; a value that is no JSON object comes as a string.
 */

export interface Entry {
  key: string
  value: unknown
  createRevision: number
  modRevision: number
}

/** A key that changed: with its new entry, or without one when it is gone. */
export interface Change {
  key: string
  entry?: Entry
}

/** modRevision 0: the key does not exist. */
export type Compare = { key: string; modRevision: number } | { key: string; createRevision: number }

export type Write =
  { put: string; value: object | string; lease?: Lease } | { delete: string } | { deletePrefix: string }

/** `won: false`: a compare did not hold and nothing was written. */
export type WriteResult = { won: true; revision: number } | { won: false }

/** None of them is called after the watch is closed. */
export interface WatchHandlers {
  /** Level-triggered: a key may be reported again although it has not changed, and intermediate states may be left out. */
  onChanges(changes: Change[]): void
  /** Every key under the prefix as of `revision` has been reported. Called again after each new list. */
  onSynced?(revision: number): void
  /** The connection was lost or came back: for logs and for `status`. */
  onConnection?(state: 'connected' | 'lost', reason?: string): void
}

export interface Watch {
  /** Resolves when no handler will be called any more. May be repeated. */
  close(): Promise<void>
}

/** The store keeps a lease alive. Its keys are deleted with it. */
export interface Lease {
  readonly id: string
  /** False once two thirds of the TTL have passed since the last renewal that succeeded was *sent*. */
  isHeld(): boolean
  /** Calls back once, when `isHeld` becomes false for good; immediately if it is already. */
  onLost(callback: () => void): void
  /** Revokes it: its keys are deleted at once, or when it expires if etcd does not answer. Never throws; may be repeated. */
  revoke(): Promise<void>
  /** Stops keeping it alive: its keys are deleted when it expires. */
  letExpire(): void
}

export interface LeaseOptions {
  /**
   * Renewed until etcd says that it is gone, also when that was not possible in time: then `isHeld` may become true again, and
   * `onLost` waits for etcd's word. For keys by which nobody decides that he may write.
   */
  untilGone?: boolean
}

/** At most this many writes and compares in one transaction (etcd refuses more than 128). */
export const maxOperations = 100
/** The size of all values of one transaction: with its default settings etcd refuses requests above 1.5 MiB. */
export const maxTransactionBytes = 1024 * 1024

/** How full etcd's database is, on the member that answers. */
export interface Usage {
  /** The size on its disk, which counts against its quota. */
  sizeBytes: number
  /** The part in use. The rest is free pages, which compaction leaves behind and `etcdctl defrag` returns. */
  inUseBytes: number
  /** Some member has the NOSPACE alarm: etcd accepts no writes. */
  isFull: boolean
}

/** etcd as the rest of the program sees it. All calls reject with StoreUnavailable after `close`. */
export interface Store {
  /**
   * Every key under the prefix, by key, pinned to one revision. Tried again for `giveUpMs` (15 s), then
   * StoreUnavailable; may be repeated.
   */
  list(prefix: string): Promise<{ entries: Entry[]; revision: number }>
  /** A linearizable read; undefined when the key is not there. Fails, and may be repeated, as `list`. */
  get(key: string): Promise<Entry | undefined>
  /**
   * All writes or none, when every compare holds. Safe against a lost response: it is retried under one operation id
   * and read back. Throws OutcomeUnknown when that could not be decided before the deadline: read before it is
   * repeated. Throws StoreError for more than `maxOperations`, and its subclasses below.
   */
  write(compares: Compare[], writes: Write[]): Promise<WriteResult>
  /**
   * Reports what is there under the prefix, then every change, until it is closed. Throws nothing: it connects again by
   * itself.
   */
  watch(prefix: string, handlers: WatchHandlers): Watch
  /**
   * Grants a lease and keeps it alive until it is lost or revoked. Tried again for `giveUpMs`, then StoreUnavailable.
   */
  lease(ttlSeconds: number, options?: LeaseOptions): Promise<Lease>
  /**
   * Asked once, without trying again: for display. Throws StoreUnavailable when the endpoint in use does not answer.
   */
  usage(): Promise<Usage>
  /** Ends watches and calls; pending calls reject. Leases are not revoked: they expire. */
  close(): Promise<void>
}

/** etcd refused or could not be reached; see the subclasses. `cause` holds the client's own error. */
export class StoreError extends Error {
  override name = 'StoreError'
}
/** No endpoint answered before the deadline. Nothing was written. */
export class StoreUnavailable extends StoreError {
  override name = 'StoreUnavailable'
}
/** The write was sent, no answer came, and reading back failed too. */
export class OutcomeUnknown extends StoreError {
  override name = 'OutcomeUnknown'
}
/** etcd's database is full (NOSPACE alarm): nothing is written until an operator makes room. */
export class OutOfSpace extends StoreError {
  override name = 'OutOfSpace'
}
/** etcd does not know that lease: it ran out, was revoked, or etcd was restored from a time before it. */
export class LeaseGone extends StoreError {
  override name = 'LeaseGone'
}
/** These credentials have no right to that key. */
export class Denied extends StoreError {
  override name = 'Denied'
}
