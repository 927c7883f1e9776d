import { distance } from 'fastest-levenshtein'

/** Names similar to a mistyped one: with the same beginning, or with at most two letters of difference. */
export function nearNames(names: Iterable<string>, asked: string): string[] {
  return [...names]
    .filter((name) => name.startsWith(asked) || asked.startsWith(name) || distance(name, asked) <= 2)
    .slice(0, 5)
}
