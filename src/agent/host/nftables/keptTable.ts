import { CommandError, type Run, runOk } from '../exec/run.js'

const nftMs = 10_000

/**
 * A table of our own in nftables, kept as it should be. No other table is looked at.
 *
 * INVARIANT: the table is exchanged in one transaction, so that there is no moment without its rules.
 */
export class KeptTable {
  /** What was written, and how nft lists it: another listing means that somebody has changed it. */
  private written: { body: string; listing: string } | undefined

  /** `name`: of the table, of family inet. */
  constructor(
    readonly name: string,
    private readonly run: Run,
  ) {}

  /** As nft lists it in JSON; undefined when there is none. Throws when nft cannot be asked. */
  async list(): Promise<string | undefined> {
    const argv = ['nft', '--json', '--numeric', 'list', 'table', 'inet', this.name] as const
    const result = await this.run(argv, { timeoutMs: nftMs }).catch((error: unknown) => {
      throw isMissing(error) ? new Error(`${error.message}; install the package nftables`, { cause: error }) : error
    })
    if (result.code === 0) return result.stdout
    if (result.stderr.includes('No such file or directory')) return undefined
    throw new CommandError(argv, { ...result, signal: null, timedOut: false })
  }

  /** It is as it was last written. Throws when nft cannot be asked. */
  async isAsWritten(): Promise<boolean> {
    return this.written !== undefined && (await this.list()) === this.written.listing
  }

  /**
   * `body`: sets, maps, chains and rules, as nft reads them, each rule and all elements of a set on a line of their own with
   * four spaces before it. True when they had to be written. Throws when nft refuses them or cannot be asked; then the
   * table is what it was.
   */
  async keep(body: string): Promise<boolean> {
    if (this.written?.body === body && (await this.isAsWritten())) return false
    const whole = `table inet ${this.name}\ndelete table inet ${this.name}\ntable inet ${this.name} {\n${body}}\n`
    for (let attempt = 1; attempt <= 3; attempt++) {
      await runOk(this.run, ['nft', '-f', '-'], { timeoutMs: nftMs, stdin: whole })
      const listing = await this.list()
      // Somebody may have emptied it between the two commands: such a listing must never count as what was written.
      if (listing === undefined || !hasAll(listing, body)) continue
      this.written = { body, listing }
      return true
    }
    throw new Error(`nft does not list all rules of table ${this.name} after it has taken them`)
  }

  /** True when there was one. Throws when nft cannot be asked. */
  async remove(): Promise<boolean> {
    this.written = undefined
    if ((await this.list()) === undefined) return false
    await runOk(this.run, ['nft', 'delete', 'table', 'inet', this.name], { timeoutMs: nftMs })
    return true
  }
}

/** As many rules, and as many sets and maps that have elements. */
function hasAll(listing: string, body: string): boolean {
  const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0
  return (
    count(listing, /"rule":/g) === count(body, /^ {4}(?!type |elements )/gm) &&
    count(listing, /"elem":/g) === count(body, /^ {4}elements /gm)
  )
}

function isMissing(error: unknown): error is CommandError {
  return error instanceof CommandError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
