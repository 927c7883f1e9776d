import type { Lease, Store } from './store.js'

/**
 * A key that this program alone writes, always over the very value that it knows to be there: what it had sent before, or an
 * earlier run of it, may arrive late and must not take the place of what was said since. One write at a time.
 */
export class OwnedKey {
  /** The revision of the value that stands there; 0 when there is none, undefined when that has to be asked. */
  private known: number | undefined

  /** `isFresh`: nothing stands there, most likely, so that writing is tried before asking. */
  constructor(
    private readonly store: Store,
    private readonly key: string,
    { isFresh = false } = {},
  ) {
    this.known = isFresh ? 0 : undefined
  }

  /**
   * Resolves when the value stands there. Throws the store's errors; may be repeated after each, OutcomeUnknown among
   * them.
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

  /** Resolves when the key is gone, also when it was. Throws as `put` does, and may be repeated as it may. */
  async delete(): Promise<void> {
    if (this.known === 0) this.known = undefined
    for (;;) {
      const known = await this.take()
      if (known === 0) return
      const result = await this.store.write([{ key: this.key, modRevision: known }], [{ delete: this.key }])
      if (result.won) return
    }
  }

  /** What is known is forgotten until the write has come back: while the answer is out, either of the two may stand there. */
  private async take(): Promise<number> {
    const known = this.known ?? (await this.store.get(this.key))?.modRevision ?? 0
    this.known = undefined
    return known
  }
}
