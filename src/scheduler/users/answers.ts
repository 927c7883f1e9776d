import type { Clock } from '../../daemon/clock.js'

interface Kept<T> {
  answer: T | undefined
  atMs: number
}

/** How long an answer is valid: a found entry, and an absent one. */
export interface Expiry {
  foundMs: number
  absentMs: number
}

/** Caches answers, and asks each question once at a time. Failures are not cached: the next caller asks again. */
export class Answers<T> {
  private readonly kept = new Map<string, Kept<T>>()
  private readonly asked = new Map<string, Promise<T | undefined>>()

  constructor(
    private readonly clock: Clock,
    private readonly maxKept: number,
    private readonly ask: (key: string) => Promise<T | undefined>,
  ) {}

  get(key: string, expiry: Expiry): Promise<T | undefined> {
    if (this.isFresh(key, expiry)) return Promise.resolve(this.kept.get(key)!.answer)
    const asked = this.asked.get(key) ?? this.askNow(key)
    this.asked.set(key, asked)
    return asked
  }

  isFresh(key: string, { foundMs, absentMs }: Expiry): boolean {
    const kept = this.kept.get(key)
    if (!kept) return false
    return this.clock.monotonicMs() - kept.atMs < (kept.answer === undefined ? absentMs : foundMs)
  }

  /** The last answer, however old. */
  last(key: string): T | undefined {
    return this.kept.get(key)?.answer
  }

  private async askNow(key: string): Promise<T | undefined> {
    try {
      const answer = await this.ask(key)
      this.kept.delete(key)
      this.kept.set(key, { answer, atMs: this.clock.monotonicMs() })
      const [oldest] = this.kept.keys()
      if (this.kept.size > this.maxKept && oldest !== undefined) this.kept.delete(oldest)
      return answer
    } finally {
      this.asked.delete(key)
    }
  }
}
