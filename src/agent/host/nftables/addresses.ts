import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** What names of hosts mean, as last seen: one that is not found any more keeps what it meant. */
export class Addresses {
  private readonly known = new Map<string, string[]>()

  /** Asks for these names, or only for those of them that mean nothing yet. Nothing is thrown. */
  async learn(names: Iterable<string>, { onlyNew }: { onlyNew: boolean }): Promise<void> {
    const asked = [...new Set(names)].filter((name) => !isAddress(name) && !(onlyNew && this.known.has(name)))
    await Promise.all(
      asked.map(async (name) => {
        const found = await lookup(name, { all: true }).catch(() => [])
        if (found.length > 0) this.known.set(name, [...new Set(found.map(({ address }) => address))].sort())
      }),
    )
  }

  /** Addresses and networks mean themselves. */
  of(names: Iterable<string>): string[] {
    return [...names].flatMap((name) => (isAddress(name) ? [name] : (this.known.get(name) ?? [])))
  }

  /** Those that mean nothing yet. */
  unknown(names: Iterable<string>): string[] {
    return [...names].filter((name) => !isAddress(name) && !this.known.has(name))
  }
}

function isAddress(name: string): boolean {
  return isIP(name.split('/')[0]!) !== 0
}
