import type { Cluster } from '../../model/cluster.js'
import type { DesiredAdopt } from '../../model/documents/adopt.js'
import type { DesiredBrick } from '../../model/documents/brick.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { CordonDocument } from '../../model/documents/cordon.js'
import type { SessionDocument } from '../../model/documents/session.js'
import type { Compare, Write } from '../../store/store.js'
import { isStandby, noLeader } from './messages.js'

/*
 * The base of the scheduler's calls (Slurm's functions, the operators' API). A call decides by a pure function of the cluster,
 * commits the decision under the leader's fence, and waits until the cluster is as it wants.
 */

/** A document to write, or to delete when it is undefined. Names are those of the keys. */
export type DocumentChange =
  | { kind: 'buffer'; name: string; document: BufferDocument | undefined }
  | { kind: 'session'; name: string; document: SessionDocument | undefined }
  | { kind: 'cordon'; host: string; device?: string; document: CordonDocument | undefined }
  | { kind: 'adopt'; host: string; device: string; document: Omit<DesiredAdopt, 'fence'> | undefined }
  /** A spare's. */
  | { kind: 'brick'; host: string; device: string; document: Omit<DesiredBrick, 'fence'> | undefined }
  | { kind: 'lastId'; lastId: number }

/** What is written in the transaction of a change because of it. */
export interface Following {
  compares: Compare[]
  writes: Write[]
  /** To be called when the transaction was not written. */
  undo: () => void
}

/** A refusal is a value with a reason for the user. `changes: []` means that nothing is left to do. */
export type Decision<T> = { refused: string } | { changes: DocumentChange[]; result: T }

export type Committed<T> = { refused: string } | { result: T }

export interface DecisionStore {
  /** Follows etcd: read it again after every await. */
  readonly cluster: Cluster
  isLeader(): boolean
  /**
   * Decides against the cache and writes, comparing the leader's key and the revisions of every document that the
   * decision changes (and of `placement`, when it places). A lost compare waits for the cache to catch up and decides
   * again. Resolves when the cache contains what was written. Throws NotLeader or a StoreError.
   */
  commit<T>(decide: (cluster: Cluster) => Decision<T>): Promise<Committed<T>>
  /**
   * The first value that `check` gives; undefined at the timeout. It is asked now and after every change of the cluster, or only
   * after those that concern the session or the buffer named `token`.
   */
  waitFor<T>(check: (cluster: Cluster) => T | undefined, timeoutMs: number, token?: string): Promise<T | undefined>
  /** Calls back after every change of the cluster, until the returned function is called. */
  onChange(callback: () => void): () => void
}

/** This scheduler is a standby; `leader` names the host of the leading scheduler, if there is one. */
export class NotLeader extends Error {
  override name = 'NotLeader'
  constructor(readonly leader: string | undefined) {
    super(leader ? isStandby(leader) : noLeader())
  }
}
