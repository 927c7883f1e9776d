import { quote } from '../../model/names.js'

/** `key=value` words behind a verb; refuses what is unknown, doubled, or has no value. */
export function readOptions(
  words: readonly string[],
  known: readonly string[],
): Map<string, string> | { refused: string } {
  const options = new Map<string, string>()
  for (const word of words) {
    const equals = word.indexOf('=')
    const key = equals < 0 ? word : word.slice(0, equals)
    if (key === 'ldbalance' || key === 'pfs')
      return { refused: `${key} is a word of DataWarp that this system does not serve: leave it out` }
    if (!known.includes(key))
      return { refused: `unknown word ${quote(word)}: write ${known.map((name) => `${name}=`).join(', ')}` }
    if (equals < 0 || equals === word.length - 1) return { refused: `${key} needs a value: write ${key}=…` }
    if (options.has(key)) return { refused: `${key}= is given twice` }
    options.set(key, word.slice(equals + 1))
  }
  return options
}
