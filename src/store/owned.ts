import type { Lease, Store } from './store.js'

/**
 * A key that only this program writes, always comparing the value that it knows: a late write of its own, or of an earlier run, must not
 * replace a newer value. One write at a time.
 */
export class OwnedKey {
  /** The revision of the value in etcd; 0 when there is none, undefined when it has to be read. */
  private known: number | undefined

  /** `isFresh`: most likely the key does not exist, so that a write is tried before a read. */
  constructor(
    private readonly store: Store,
    private readonly key: string,
    { isFresh = false } = {},
  ) {
    this.known = isFresh ? 0 : undefined
  }

  /**
   * Resolves when the value is in etcd. Throws the store's errors; may be repeated after each of them, also after OutcomeUnknown.
   */
  async put(value: object, lease?: Lease): Promise<void> {
    for (;;) {
      const known = await this.take()
      const write = { put: this.key, value, ...(lease ? { lease } : {}) }
      const result = await this.store.write([{ key: this.key, modRevision: known }], [write])
      if (!result.won) continue
      this.known = result.revision
      return
    }
  }

  /** Resolves when the key does not exist. Throws, and may be repeated, like `put`. */
  async delete(): Promise<void> {
    if (this.known === 0) this.known = undefined
    for (;;) {
      const known = await this.take()
      if (known === 0) return
      const result = await this.store.write([{ key: this.key, modRevision: known }], [{ delete: this.key }])
      if (result.won) return
    }
  }

  /** The revision is unknown until the write is answered: until then, either value may be in etcd. */
  private async take(): Promise<number> {
    const known = this.known ?? (await this.store.get(this.key))?.modRevision ?? 0
    this.known = undefined
    return known
  }
}
