/** The number of reports kept for one host: more than a late host can have. */
const maxKeys = 1_000
const maxBytes = 8 * 1024 ** 2

/**
 * Reports without a desired document. Some always exist for a moment, and a report may be read before its document; but a host may write
 * any number below its key, of any size that etcd accepts. The newest are kept, and the host is shown as a problem.
 */
export class OrphanReports {
  private readonly byHost = new Map<string, { keys: Map<string, number>; bytes: number }>()
  private readonly exceeded = new Set<string>()

  /** Returns the keys that are to be forgotten now. */
  add(host: string, key: string, bytes: number): string[] {
    this.remove(host, key)
    const kept = this.byHost.get(host) ?? { keys: new Map<string, number>(), bytes: 0 }
    this.byHost.set(host, kept)
    kept.keys.set(key, bytes)
    kept.bytes += bytes
    const forgotten: string[] = []
    for (const [oldest, size] of kept.keys) {
      if (kept.keys.size <= maxKeys && kept.bytes <= maxBytes) break
      kept.keys.delete(oldest)
      kept.bytes -= size
      forgotten.push(oldest)
    }
    if (forgotten.length > 0) this.exceeded.add(host)
    return forgotten
  }

  /** To be called when the report is deleted, or has a desired document. */
  remove(host: string, key: string): void {
    const kept = this.byHost.get(host)
    const bytes = kept?.keys.get(key)
    if (!kept || bytes === undefined) return
    kept.keys.delete(key)
    kept.bytes -= bytes
    if (kept.keys.size < maxKeys / 2 && kept.bytes < maxBytes / 2) this.exceeded.delete(host)
    if (kept.keys.size === 0) this.byHost.delete(host)
  }

  /** For people. */
  problems(): string[] {
    return [...this.exceeded].map(
      (host) =>
        `host ${host} reports on more than it is told, above ${maxKeys} keys or ${maxBytes / 1024 ** 2} MiB: only the newest are known. Look at etcd's keys below observed/${host}/`,
    )
  }
}
