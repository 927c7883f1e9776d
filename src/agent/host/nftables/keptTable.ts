import { CommandError, type Run, runOk } from '../exec/run.js'
import { type Listed, listedIn } from './listing.js'
import { nftMissing, rulesNotListed } from './messages.js'
import { changesOf, isSameTable, type Table, wholeTable } from './tableParts.js'

const nftMs = 10_000

/**
 * A table of our own in nftables, kept as it should be. No other table is looked at.
 *
 * What was written before is changed by its elements: of 260,000 of them a whole table takes seconds, and one volume's 20 ms.
 * Where that fails, because somebody else has changed the table, it is made anew.
 *
 * INVARIANT: the table is changed or exchanged in one transaction, so that there is no moment without its rules.
 */
export class KeptTable {
  private written: Table | undefined
  /** Of chains, when they were first seen after they had been written. */
  private readonly rules = new Map<string, string>()
  /** The last listing that was as written. */
  private listing: string | undefined

  /** `name`: of the table, of family inet. */
  constructor(
    readonly name: string,
    private readonly run: Run,
  ) {}

  /** As nft lists it in JSON; undefined when there is none. Throws when nft cannot be asked. */
  async list(): Promise<string | undefined> {
    return this.ask(['--json', '--numeric', 'list', 'table', 'inet', this.name])
  }

  /** It is as it was last written. Throws when nft cannot be asked. */
  async isAsWritten(): Promise<boolean> {
    if (!this.written) return false
    const listing = await this.list()
    if (listing === undefined) return false
    if (listing === this.listing) return true
    const listed = tryListed(listing)
    if (!listed || !this.isWritten(listed)) return false
    this.listing = listing
    return true
  }

  /** True when it had to be written. Throws when nft refuses that or cannot be asked; then the table is what it was. */
  async keep(wanted: Table): Promise<boolean> {
    if (this.written && isSameTable(this.written, wanted)) {
      if (await this.isAsWritten()) return false
    } else if (await this.change(wanted)) return true
    await this.exchange(wanted)
    return true
  }

  /** True when there was one. Throws when nft cannot be asked. */
  async remove(): Promise<boolean> {
    this.forget()
    return (await this.ask(['delete', 'table', 'inet', this.name])) !== undefined
  }

  /** What nft prints; undefined when there is no such table. */
  private async ask(words: readonly string[]): Promise<string | undefined> {
    const argv = ['nft', ...words] as const
    const result = await this.run(argv, { timeoutMs: nftMs }).catch((error: unknown) => {
      throw isMissing(error) ? new Error(nftMissing(error.message), { cause: error }) : error
    })
    if (result.code === 0) return result.stdout
    if (result.stderr.includes('No such file or directory')) return undefined
    throw new CommandError(argv, { ...result, signal: null, timedOut: false })
  }

  /** False when what was written cannot be changed into it. */
  private async change(wanted: Table): Promise<boolean> {
    const changes = this.written && changesOf(this.name, this.written, wanted)
    if (changes === undefined) return false
    try {
      await this.write(changes)
    } catch {
      return false
    }
    this.written = wanted
    for (const name of this.rules.keys()) if (!wanted.has(name)) this.rules.delete(name)
    this.listing = undefined
    // The rules of a new chain are seen at once: what somebody puts in their place later must not count as what was written.
    const hasNewChain = [...wanted].some(([name, { kind }]) => kind === 'chain' && !this.rules.has(name))
    return !hasNewChain || this.isAsWritten()
  }

  private async exchange(wanted: Table): Promise<void> {
    for (let attempt = 1; attempt <= 3; attempt++) {
      await this.write(wholeTable(this.name, wanted))
      this.forget()
      this.written = wanted
      // Somebody may have emptied it between the two commands: such a listing must never count as what was written.
      if (await this.isAsWritten()) return
    }
    this.forget()
    throw new Error(rulesNotListed(this.name))
  }

  private async write(stdin: string): Promise<void> {
    await runOk(this.run, ['nft', '-f', '-'], { timeoutMs: nftMs, stdin })
  }

  private forget(): void {
    this.written = undefined
    this.listing = undefined
    this.rules.clear()
  }

  /** Each chain has as many rules as were written and, once they were seen, these; each set its elements. */
  private isWritten({ elements, rules }: Listed): boolean {
    const written = this.written!
    if (elements.size + rules.size !== written.size) return false
    const seen: [string, string][] = []
    for (const [name, { kind, lines }] of written) {
      const found = (kind === 'chain' ? rules : elements).get(name)
      if (found?.length !== lines.length) return false
      if (kind === 'chain') seen.push([name, found.join()])
      else if (!areSame(found, lines)) return false
    }
    if (seen.some(([name, text]) => text !== (this.rules.get(name) ?? text))) return false
    for (const [name, text] of seen) this.rules.set(name, text)
    return true
  }
}

/** Both have each element once. */
function areSame(found: readonly string[], lines: readonly string[]): boolean {
  const wanted = new Set(lines)
  return found.every((element) => wanted.has(element))
}

function tryListed(listing: string): Listed | undefined {
  try {
    return listedIn(listing)
  } catch {
    return undefined
  }
}

function isMissing(error: unknown): error is CommandError {
  return error instanceof CommandError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
