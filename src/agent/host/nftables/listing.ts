import { z } from 'zod'

const elements = z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) })
const listing = z.object({
  nftables: z.array(
    z.object({
      set: elements.optional(),
      map: elements.optional(),
      chain: z.object({ name: z.string() }).optional(),
      rule: z.object({ chain: z.string() }).loose().optional(),
    }),
  ),
})
const network = z.object({ prefix: z.object({ addr: z.string(), len: z.int() }) })
const range = z.object({ range: z.tuple([z.int(), z.int()]) })
const jump = z.tuple([z.int(), z.object({ goto: z.object({ target: z.string() }) })])

/** What nft lists of a table, by name. */
export interface Listed {
  /** Elements of sets and maps, as they are written. One that is none of ours is some other text. */
  elements: ReadonlyMap<string, readonly string[]>
  /** Rules, with the numbers that the kernel gave them: one that was replaced has another. */
  rules: ReadonlyMap<string, readonly string[]>
}

/** What `nft --json --numeric list table` printed. Throws Error when it is no such listing. */
export function listedIn(json: string): Listed {
  const found = { elements: new Map<string, string[]>(), rules: new Map<string, string[]>() }
  for (const { set, map, chain, rule } of listing.parse(JSON.parse(json)).nftables) {
    const sets = set ?? map
    if (sets) found.elements.set(sets.name, sets.elem.map(elementText))
    if (chain) found.rules.set(chain.name, [])
    if (rule) found.rules.get(rule.chain)?.push(JSON.stringify(rule))
  }
  return found
}

function elementText(element: unknown): string {
  if (typeof element === 'string') return element
  if (typeof element === 'number') return String(element)
  const prefix = network.safeParse(element).data?.prefix
  if (prefix) return `${prefix.addr}/${prefix.len}`
  const ports = range.safeParse(element).data?.range
  if (ports) return ports.join('-')
  const [port, verdict] = jump.safeParse(element).data ?? []
  return verdict ? `${port} : goto ${verdict.goto.target}` : JSON.stringify(element)
}
