/* What is in a table of nftables, as text for `nft -f`: the whole of it, or what changes. */

/** A set or a map with its elements, or a chain with its rules, each as nft reads it. */
export interface Part {
  kind: 'set' | 'map' | 'chain'
  /** With its flags; of a base chain, its hook. Empty for a chain that rules go to. */
  type: string
  lines: readonly string[]
}

/** By name. */
export type Table = ReadonlyMap<string, Part>

/** Makes the table anew, whatever it was, in one transaction. */
export function wholeTable(name: string, parts: Table): string {
  return `table inet ${name}\ndelete table inet ${name}\n${block(name, [...parts])}`
}

/**
 * What makes one of the other, in one transaction; undefined when rules or a type change, for which the table has to be made anew.
 * nft refuses all of it where the table is not as it should be before.
 */
export function changesOf(name: string, before: Table, after: Table): string | undefined {
  const kept = [...after].flatMap(([part, is]) => {
    const was = before.get(part)
    return was ? [{ part, was, is }] : []
  })
  if (kept.some(({ was, is }) => was.type !== is.type || was.kind !== is.kind)) return undefined
  const changed = kept.filter(({ was, is }) => was !== is && was.lines.join() !== is.lines.join())
  if (changed.some(({ is }) => is.kind === 'chain')) return undefined
  const gone = [...before].filter(([part]) => !after.has(part))
  const remove = (...kinds: Part['kind'][]) =>
    gone
      .filter(([, { kind }]) => kinds.includes(kind))
      .map(([part, { kind }]) => `delete ${kind} inet ${name} ${part}\n`)
  const added = [...after].filter(([part]) => !before.has(part))
  return [
    // Elements lead to chains, and rules look into sets.
    ...(added.length > 0 ? [block(name, added)] : []),
    ...changed.flatMap(({ part, was, is }) => [
      ...elements('delete', `${name} ${part}`, without(was.lines, is.lines)),
      ...elements('add', `${name} ${part}`, without(is.lines, was.lines)),
    ]),
    ...remove('chain'),
    ...remove('set', 'map'),
  ].join('')
}

/** Both have the same parts with the same lines. */
export function isSameTable(one: Table, other: Table): boolean {
  return one.size === other.size && changesOf('same', one, other) === ''
}

function block(name: string, parts: readonly (readonly [string, Part])[]): string {
  return `table inet ${name} {\n${parts.map(([part, of]) => definition(part, of)).join('')}}\n`
}

function definition(name: string, { kind, type, lines }: Part): string {
  const body = kind === 'chain' ? lines : lines.length > 0 ? [`elements = { ${lines.join(', ')} }`] : []
  const all = [...(type === '' ? [] : [type]), ...body]
  return `  ${kind} ${name} {\n${all.map((line) => `    ${line}\n`).join('')}  }\n`
}

function elements(verb: 'add' | 'delete', of: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${verb} element inet ${of} { ${lines.join(', ')} }\n`]
}

function without(lines: readonly string[], others: readonly string[]): string[] {
  const excluded = new Set(others)
  return lines.filter((line) => !excluded.has(line))
}
