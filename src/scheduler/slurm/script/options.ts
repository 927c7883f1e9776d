import * as messages from './messages.js'

/**
 * `key=value` words after a verb; refuses a key that is unknown, has no value, or has two different values. The same value twice is
 * accepted: existing scripts have it.
 */
export function readOptions(
  words: readonly string[],
  known: readonly string[],
): Map<string, string> | { refused: string } {
  const options = new Map<string, string>()
  const quoted = words.find((word) => /["'`]/.test(word))
  if (quoted !== undefined) return { refused: messages.quoteInValue(quoted) }
  for (const word of words) {
    const equals = word.indexOf('=')
    const key = equals < 0 ? word : word.slice(0, equals)
    if (key === 'ldbalance' || key === 'pfs') return { refused: messages.optionNotSupported(key) }
    if (!known.includes(key)) return { refused: messages.unknownOption(word, known) }
    if (equals < 0 || equals === word.length - 1) return { refused: messages.valueMissing(key) }
    const value = word.slice(equals + 1)
    const before = options.get(key)
    if (before !== undefined && before !== value) return { refused: messages.givenTwice(key, before, value) }
    options.set(key, value)
  }
  return options
}
