import { nameInvalid, nameReserved } from './messages.js'

/** Names that users choose: persistent buffers. GlusterFS keeps `all` and `help` for itself. */
const userNamePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/
const reservedNames = new Set(['all', 'help'])

/** What is wrong with a persistent buffer's name, in words for its user, or undefined when nothing is. */
export function problemWithPersistentName(name: string): string | undefined {
  if (reservedNames.has(name.toLowerCase())) return nameReserved(name)
  return userNamePattern.test(name) ? undefined : nameInvalid(name)
}
