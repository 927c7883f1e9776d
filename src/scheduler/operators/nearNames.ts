import { distance } from 'fastest-levenshtein'

/** Names like the one that was mistyped: the same beginning, or a letter or two away. */
export function nearNames(names: Iterable<string>, asked: string): string[] {
  return [...names]
    .filter((name) => name.startsWith(asked) || asked.startsWith(name) || distance(name, asked) <= 2)
    .slice(0, 5)
}
