/** Names that several may claim: one is there until all have given it up. */
export class Claims {
  private readonly counts = new Map<string, number>()

  has(name: string): boolean {
    return this.counts.has(name)
  }

  add(names: readonly string[]): void {
    for (const name of names) this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }

  remove(names: readonly string[]): void {
    for (const name of names) {
      const left = (this.counts.get(name) ?? 0) - 1
      if (left > 0) this.counts.set(name, left)
      else this.counts.delete(name)
    }
  }
}
