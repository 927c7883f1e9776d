import { type AccessMode, accessModes } from '../../../model/documents/buffer.js'
import * as messages from './messages.js'

export interface Access {
  modes: AccessMode[]
  /** The client_cache that was written, by mode; a mode without it has the default caching of the data plane. */
  clientCache: Partial<Record<AccessMode, boolean>>
}

/** `MODE[,MODE]`, each with options in parentheses or without: `striped(client_cache=yes),private`. */
export function parseAccess(text: string): Access | { refused: string } {
  const access: Access = { modes: [], clientCache: {} }
  for (const part of splitModes(text)) {
    const [, name, options] = /^([^()]*)(?:\(([^()]*)\))?$/.exec(part) ?? []
    if (name === 'swap') return { refused: messages.swapIsNotAnAccessMode() }
    const mode = name === 'stripe' ? 'striped' : accessModes.find((mode) => mode === name)
    if (!mode) return { refused: messages.unknownAccessMode(part) }
    if (access.modes.includes(mode)) return { refused: messages.accessModeTwice(mode) }
    access.modes.push(mode)
    if (options === undefined) continue
    const read = readOptions(mode, options)
    if ('refused' in read) return read
    access.clientCache[mode] = read.clientCache
  }
  access.modes.sort((a, b) => accessModes.indexOf(a) - accessModes.indexOf(b))
  return access
}

/** At the commas that stand outside of parentheses. */
function splitModes(text: string): string[] {
  const parts: string[] = []
  let start = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++
    else if (text[at] === ')') depth--
    else if (text[at] === ',' && depth <= 0) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  return [...parts, text.slice(start)]
}

/**
 * Why a persistent buffer cannot have that access, or undefined when it can. Options are refused, because each job that uses the
 * buffer would need its own choice of caching.
 */
export function problemWithPersistentAccess(text: string): string | undefined {
  const access = parseAccess(text)
  if ('refused' in access) return access.refused
  if (access.modes.includes('private')) return messages.persistentIsStriped()
  if (Object.keys(access.clientCache).length > 0) return messages.persistentHasNoOptions(text)
  return undefined
}

function readOptions(mode: AccessMode, text: string): { clientCache: boolean } | { refused: string } {
  const found = /^client_cache=(yes|no)$/.exec(text)
  if (found) return { clientCache: found[1] === 'yes' }
  const word = text.split(',').find((option) => !/^client_cache=(yes|no)$/.test(option))
  if (word === undefined) return { refused: messages.clientCacheTwice(mode) }
  const isOfDataWarp = word.startsWith('MFS') || word.startsWith('max_mbps')
  return {
    refused: isOfDataWarp ? messages.modeOptionNotSupported(mode, word) : messages.unknownModeOption(mode, word),
  }
}
