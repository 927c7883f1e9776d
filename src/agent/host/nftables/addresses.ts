import { lookup } from 'node:dns/promises'
import { ipVersion } from './networks.js'

/** What names of hosts mean, as last seen: one that is not found any more keeps what it meant. */
export class Addresses {
  private readonly known = new Map<string, string[]>()
  /** Another one when some name means something else than before. */
  revision = 0

  /** Asks for these names, or only for those of them that mean nothing yet. Nothing is thrown. */
  async learn(names: Iterable<string>, { onlyNew }: { onlyNew: boolean }): Promise<void> {
    const asked = [...new Set(names)].filter((name) => !isAddress(name) && !(onlyNew && this.known.has(name)))
    await Promise.all(
      asked.map(async (name) => {
        const found = await lookup(name, { all: true }).catch(() => [])
        const addresses = [...new Set(found.map(({ address }) => address))].sort()
        if (addresses.length === 0 || addresses.join() === this.known.get(name)?.join()) return
        this.known.set(name, addresses)
        this.revision++
      }),
    )
  }

  /** Addresses and networks mean themselves. */
  of(names: Iterable<string>): string[] {
    return [...names].flatMap((name) => (isAddress(name) ? [name] : (this.known.get(name) ?? [])))
  }

  /** Those that are not addresses themselves. */
  names(names: Iterable<string>): string[] {
    return [...names].filter((name) => !isAddress(name))
  }

  /** Those that mean nothing yet. */
  unknown(names: Iterable<string>): string[] {
    return this.names(names).filter((name) => !this.known.has(name))
  }
}

function isAddress(name: string): boolean {
  return ipVersion(name) !== 0
}
