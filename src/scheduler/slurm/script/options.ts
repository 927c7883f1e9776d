import { quote } from '../../../model/names.js'

/**
 * `key=value` words behind a verb; refuses what is unknown, has no value, or is said twice and differently. Saying the same
 * twice is fine: scripts in the field do.
 */
export function readOptions(
  words: readonly string[],
  known: readonly string[],
): Map<string, string> | { refused: string } {
  const options = new Map<string, string>()
  const quoted = words.find((word) => /["'`]/.test(word))
  if (quoted !== undefined) {
    return {
      refused: `${quote(quoted)} holds a quote, and no shell reads this line: write values without quotes. A path with blanks cannot be written; stage its directory, or a link to it without blanks`,
    }
  }
  for (const word of words) {
    const equals = word.indexOf('=')
    const key = equals < 0 ? word : word.slice(0, equals)
    if (key === 'ldbalance' || key === 'pfs')
      return { refused: `${key} is a word of DataWarp that this system does not serve: leave it out` }
    if (!known.includes(key))
      return { refused: `unknown word ${quote(word)}: write ${known.map((name) => `${name}=`).join(', ')}` }
    if (equals < 0 || equals === word.length - 1) return { refused: `${key} needs a value: write ${key}=…` }
    const value = word.slice(equals + 1)
    const before = options.get(key)
    if (before !== undefined && before !== value)
      return { refused: `${key}= is given twice, as ${quote(before)} and as ${quote(value)}: write one` }
    options.set(key, value)
  }
  return options
}
