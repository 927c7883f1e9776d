import { randomUUID } from 'node:crypto'
import type { ICompare, IRangeRequest, IRangeResponse, IRequestOp, IStatusResponse, ITxnRequest } from 'etcd3'
import { type Clock, systemClock } from '../daemon/clock.js'
import { type Log, silentLog } from '../daemon/log.js'
import type { EtcdOptions } from './clientOptions.js'
import { Connection, defaultTimings, type Timings } from './connection.js'
import { EtcdLease } from './lease.js'
import {
  type Compare,
  type Entry,
  type Lease,
  type LeaseOptions,
  maxOperations,
  OutcomeUnknown,
  type Store,
  StoreError,
  StoreUnavailable,
  type Usage,
  type Watch,
  type WatchHandlers,
  type Write,
  type WriteResult,
} from './store.js'
import { decodeEntry, encodeValue, rangeEnd } from './values.js'
import { PrefixWatch, type WatchSource } from './watch.js'

export interface StoreDependencies {
  /** Before every key; ends in a slash. */
  prefix?: string
  timings?: Partial<Timings>
  clock?: Clock
  log?: Log
}

/** etcd looks at all keys of a range for each page of it, so that many small pages cost it much; a page is decoded in one piece. */
const pageSize = 2_000

/**
 * A store on etcd. It connects at the first call and reconnects by itself. It throws when a TLS file cannot be read, not when a server
 * does not answer.
 */
export function openStore(options: EtcdOptions, dependencies: StoreDependencies = {}): Store {
  return new EtcdStore(options, dependencies)
}

class EtcdStore implements Store {
  private readonly connection: Connection
  private readonly prefix: string
  private readonly watches = new Set<PrefixWatch>()

  constructor(options: EtcdOptions, { prefix, timings, clock, log }: StoreDependencies) {
    this.prefix = prefix ?? '/burstbuffer/'
    this.connection = new Connection(options, { ...defaultTimings, ...timings }, clock ?? systemClock, log ?? silentLog)
  }

  /** Reads pages at the revision of the first, each while the one before is decoded. */
  async list(prefix: string): Promise<{ entries: Entry[]; revision: number }> {
    const full = this.prefix + prefix
    const entries: Entry[] = []
    const range_end = rangeEnd(full)
    let page = await this.page({ key: Buffer.from(full), range_end })
    const revision = Number(page.header.revision)
    for (;;) {
      const next = page.more ? this.page({ key: after(page), range_end, revision: String(revision) }) : undefined
      // It is awaited below, unless decoding throws.
      next?.catch(() => {})
      for (const kv of page.kvs) entries.push(withoutOp(decodeEntry(kv, this.prefix)))
      if (!next) return { entries, revision }
      page = await next
    }
  }

  /**
   * Whether the keys under the prefix, and their revisions, were these ones at that revision, if they were as known at the
   * revision `since` too. Only what has changed since is read, without its values: a key that was put has a revision after
   * `since`, and a key that was deleted is missing in the count.
   */
  private async matches(
    prefix: string,
    known: ReadonlyMap<string, number>,
    since: number,
    at: number,
  ): Promise<boolean> {
    const full = this.prefix + prefix
    const asked = {
      ...{ range_end: rangeEnd(full), revision: String(at) },
      ...{ min_mod_revision: String(since + 1), keys_only: true },
    }
    let page = await this.page({ ...asked, key: Buffer.from(full) })
    if (Number(page.count) !== known.size) return false
    for (;;) {
      const isKnown = page.kvs.every((kv) => {
        const { key, modRevision } = decodeEntry(kv, this.prefix)
        return known.get(key) === modRevision
      })
      if (!isKnown) return false
      if (!page.more) return true
      page = await this.page({ ...asked, key: after(page) })
    }
  }

  /** A page of which values are too many bytes for one answer is read in smaller ones. */
  private async page(request: IRangeRequest, limit = pageSize): Promise<IRangeResponse> {
    try {
      return await this.connection.retryRead((client, options) => client.kv.range({ ...request, limit }, options))
    } catch (error) {
      if (limit === 1 || !(error instanceof StoreError && /larger than max/.test(error.message))) throw error
      return this.page(request, Math.ceil(limit / 4))
    }
  }

  async get(key: string): Promise<Entry | undefined> {
    const found = await this.read(key)
    return found && withoutOp(found)
  }

  async write(compares: Compare[], writes: Write[]): Promise<WriteResult> {
    if (writes.length === 0 || compares.length + writes.length > maxOperations) {
      throw new StoreError(
        `a transaction takes 1 to ${maxOperations} operations, not ${compares.length + writes.length}`,
      )
    }
    const op = randomUUID()
    const request = this.transaction(compares, writes, op)
    const start = this.connection.clock.monotonicMs()
    for (let round = 0, mayBeDone = false; ; round++) {
      try {
        const response = await this.connection.attempt((client, options) => client.kv.txn(request, options))
        if (response.succeeded) return { won: true, revision: Number(response.header.revision) }
        return mayBeDone ? await this.readBack(compares, writes, op) : { won: false }
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error
        mayBeDone = true
        if (
          this.connection.isClosed ||
          this.connection.clock.monotonicMs() - start > this.connection.timings.giveUpMs
        ) {
          throw new OutcomeUnknown(`a write of ${describe(writes)} got no answer and may have been done`, {
            cause: error,
          })
        }
        await this.connection.pause(round)
      }
    }
  }

  watch(prefix: string, handlers: WatchHandlers): Watch {
    const source: WatchSource = {
      list: () => this.list(prefix),
      matches: (known, since, at) => this.matches(prefix, known, since, at),
    }
    const watch = new PrefixWatch(this.connection, source, this.prefix, this.prefix + prefix, handlers)
    this.watches.add(watch)
    return {
      close: async () => {
        this.watches.delete(watch)
        await watch.close()
      },
    }
  }

  async lease(ttlSeconds: number, options?: LeaseOptions): Promise<Lease> {
    return EtcdLease.grant(this.connection, ttlSeconds, options)
  }

  async usage(): Promise<Usage> {
    const { dbSize, dbSizeInUse, errors } = (await this.connection.attempt((client, options) =>
      client.maintenance.status(options),
    )) as IStatusResponse & { dbSizeInUse: string; errors?: string[] }
    const isFull = (errors ?? []).some((error) => error.includes('NOSPACE'))
    return { sizeBytes: Number(dbSize), inUseBytes: Number(dbSizeInUse), isFull }
  }

  async close(): Promise<void> {
    const closing = [...this.watches].map((watch) => watch.close())
    this.connection.close()
    await Promise.all(closing)
  }

  private async read(key: string) {
    const response = await this.connection.retryRead((client, options) =>
      client.kv.range({ key: Buffer.from(this.prefix + key), serializable: false }, options),
    )
    return response.kvs[0] && decodeEntry(response.kvs[0], this.prefix)
  }

  /**
   * The compares may fail because an earlier attempt of this very write has succeeded. It has if what it put has its operation id; a write
   * that only deletes has succeeded if everything is deleted, which is what its caller wants in any case.
   */
  private async readBack(compares: Compare[], writes: Write[], op: string): Promise<WriteResult> {
    for (const write of writes) {
      if (!('put' in write) || typeof write.value === 'string') continue
      const found = await this.read(write.put)
      return found?.op === op ? { won: true, revision: found.modRevision } : { won: false }
    }
    const texts = writes.filter((write) => 'put' in write)
    for (const write of texts) {
      const found = await this.read(write.put)
      if (found?.value !== write.value) return { won: false }
    }
    for (const write of writes) {
      if ('delete' in write && (await this.read(write.delete))) return { won: false }
      if ('deletePrefix' in write && (await this.list(write.deletePrefix)).entries.length > 0) return { won: false }
    }
    // If a fence among the compares is gone, another scheduler leads: then we must not claim the write.
    for (const compare of compares) {
      if ('createRevision' in compare && (await this.read(compare.key))?.createRevision !== compare.createRevision)
        return { won: false }
    }
    return { won: true, revision: (await this.list(`\u0000none`)).revision }
  }

  private transaction(compares: Compare[], writes: Write[], op: string): ITxnRequest {
    return {
      compare: compares.map((compare): ICompare => {
        const key = Buffer.from(this.prefix + compare.key)
        if ('createRevision' in compare) {
          return { key, result: 'Equal', target: 'Create', create_revision: String(compare.createRevision) }
        }
        return { key, result: 'Equal', target: 'Mod', mod_revision: String(compare.modRevision) }
      }),
      success: writes.map((write) => this.operation(write, op)),
      failure: [],
    }
  }

  private operation(write: Write, op: string): IRequestOp {
    if ('put' in write) {
      const key = Buffer.from(this.prefix + write.put)
      return {
        request_put: { key, value: encodeValue(write.value, op), ...(write.lease ? { lease: write.lease.id } : {}) },
      }
    }
    if ('delete' in write) return { request_delete_range: { key: Buffer.from(this.prefix + write.delete) } }
    const full = this.prefix + write.deletePrefix
    return { request_delete_range: { key: Buffer.from(full), range_end: rangeEnd(full) } }
  }
}

/** The first key that may come after those of the page, which is not empty. */
function after({ kvs }: IRangeResponse): Buffer {
  return Buffer.concat([kvs.at(-1)!.key, Buffer.from([0])])
}

function withoutOp({ key, value, createRevision, modRevision }: Entry): Entry {
  return { key, value, createRevision, modRevision }
}

function describe(writes: Write[]): string {
  const names = writes.map((write) =>
    'put' in write ? write.put : 'delete' in write ? write.delete : `${write.deletePrefix}*`,
  )
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}
