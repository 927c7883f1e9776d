import { type AccessMode, accessModes } from '../../../model/documents/buffer.js'
import { quote } from '../../../model/names.js'

export interface Access {
  modes: AccessMode[]
  /** What was said of client_cache, by mode; a mode of which nothing was said has the caching of the data plane. */
  clientCache: Partial<Record<AccessMode, boolean>>
}

const example = 'write access_mode=striped, access_mode=private, or both as in access_mode=striped,private'

/** `MODE[,MODE]`, each with options in parentheses or without: `striped(client_cache=yes),private`. */
export function parseAccess(text: string): Access | { refused: string } {
  const access: Access = { modes: [], clientCache: {} }
  for (const part of splitModes(text)) {
    const [, name, options] = /^([^()]*)(?:\(([^()]*)\))?$/.exec(part) ?? []
    if (name === 'swap') return { refused: `swap is not an access mode: write a line of its own, #DW swap 4GiB say` }
    const mode = name === 'stripe' ? 'striped' : accessModes.find((mode) => mode === name)
    if (!mode) return { refused: `unknown access mode ${quote(part)}: ${example}` }
    if (access.modes.includes(mode)) return { refused: `the access mode ${mode} is given twice` }
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

/** Why a persistent buffer cannot be had so, or undefined. Each job that uses it would need its own choice of caching. */
export function problemWithPersistentAccess(text: string): string | undefined {
  const access = parseAccess(text)
  if ('refused' in access) return access.refused
  if (access.modes.includes('private'))
    return `a persistent buffer is striped: private access is for a job's own buffer, write access_mode=striped`
  if (Object.keys(access.clientCache).length > 0)
    return `options of an access mode are for a job's own buffer: write access_mode=striped instead of ${quote(text)}`
  return undefined
}

function readOptions(mode: AccessMode, text: string): { clientCache: boolean } | { refused: string } {
  const known = `write ${mode}(client_cache=yes) or ${mode}(client_cache=no)`
  const found = /^client_cache=(yes|no)$/.exec(text)
  if (found) return { clientCache: found[1] === 'yes' }
  const word = text.split(',').find((option) => !/^client_cache=(yes|no)$/.test(option))
  if (word === undefined) return { refused: `client_cache is given twice: ${known}` }
  if (word.startsWith('MFS') || word.startsWith('max_mbps')) {
    return { refused: `${quote(word)} is an option of DataWarp that this system does not serve: ${known}` }
  }
  return { refused: `unknown option ${quote(word)} of the access mode ${mode}: ${known}` }
}
