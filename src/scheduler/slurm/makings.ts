/** A call that makes something of its token: a setup, say, that waits for an earlier session to go. */
export interface Making {
  /** A teardown of its token was decided after it had come. */
  isTornDown(): boolean
  end(): void
}

/*
 * Slurm tears a job down while its setup may still run. A setup that has written nothing yet, because an earlier session of its
 * token is in the way or etcd is away, leaves nothing that a teardown could find: it must hear of it here, or it would make
 * what nobody takes away again.
 */
export class Makings {
  private readonly open = new Map<string, Set<{ isTornDown: boolean }>>()

  begin(token: string): Making {
    const making = { isTornDown: false }
    const beside = this.open.get(token) ?? new Set()
    this.open.set(token, beside.add(making))
    return {
      isTornDown: () => making.isTornDown,
      end: () => {
        beside.delete(making)
        if (beside.size === 0 && this.open.get(token) === beside) this.open.delete(token)
      },
    }
  }

  /** Those that come later are not meant: a job that is requeued is set up anew. */
  tearDown(token: string): void {
    for (const making of this.open.get(token) ?? []) making.isTornDown = true
  }
}
