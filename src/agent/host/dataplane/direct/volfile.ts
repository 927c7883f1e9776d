import { isIP } from 'node:net'
import type { TlsFiles } from './types.js'

/* A volfile: a stack of GlusterFS's translators, the lowest first, each with its options and those it stands on. */

export interface Translator {
  name: string
  type: string
  options?: readonly Option[]
  /** Names of the translators below it. */
  on?: readonly string[]
}

/**
 * Several values are a list, which GlusterFS takes apart at its commas. Of `beginnings` it is a list of patterns: whatever begins
 * with one of them and a dot.
 */
export type Option = readonly [name: string, value: string | number | readonly string[] | Beginnings]
interface Beginnings {
  beginnings: readonly string[]
}

/** The text of a volfile. Throws Error for a name or a value that could be anything but one word in it. */
export function volfileOf(translators: readonly Translator[]): string {
  return translators.map(textOf).join('\n')
}

function textOf({ name, type, options = [], on = [] }: Translator): string {
  return [
    `volume ${oneWord('the name of a translator', name)}`,
    `    type ${type}`,
    ...options.map(([key, value]) => `    option ${oneWord('an option', key)} ${valueOf(key, value)}`),
    ...(on.length > 0
      ? [`    subvolumes ${on.map((below) => oneWord('the name of a translator', below)).join(' ')}`]
      : []),
    'end-volume',
    '',
  ].join('\n')
}

function valueOf(key: string, value: Option[1]): string {
  if (typeof value === 'object' && 'beginnings' in value)
    return listOf(key, value.beginnings)
      .map((word) => `${word}.*`)
      .join(',')
  return listOf(key, typeof value === 'object' ? value : [value]).join(',')
}

function listOf(key: string, values: readonly (string | number)[]): string[] {
  if (values.length === 0) throw new Error(`the option ${key} is an empty list`)
  return values.map((one) => oneWord(`the option ${key}`, one))
}

/**
 * GlusterFS runs what stands between back quotes in a volfile, and takes lists and patterns apart at commas, bars and
 * stars: none of these is in a value.
 */
function oneWord(what: string, value: string | number): string {
  const text = String(value)
  if (/^[A-Za-z0-9/_-][A-Za-z0-9/._:@=+-]*$/.test(text)) return text
  // The value may be a secret: it is not in the message.
  throw new Error(
    `${what} may contain letters, digits and / . _ : @ = + - only, and must begin with a letter, a digit, / _ or -`,
  )
}

/** A name that GlusterFS compares by itself or puts into an option's name. Throws Error for another. */
export function plainName(what: string, name: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return name
  throw new Error(`${what} may contain letters, digits, _ and - only: ${JSON.stringify(name)}`)
}

/** The options of a connection that are alike on both sides: TCP, and noticing within half a minute that a host is away. */
export function connectionOptions(host: string, tls: TlsFiles | undefined): Option[] {
  const family = ({ 4: 'inet', 6: 'inet6' } as const)[isIP(host)]
  return [
    ['transport-type', 'tcp'],
    ...(family === undefined ? [] : [['transport.address-family', family] as const]),
    ['transport.socket.keepalive-time', 20],
    ['transport.socket.keepalive-interval', 2],
    ['transport.socket.keepalive-count', 9],
    ...(tls === undefined ? [] : tlsOptions(tls)),
  ]
}

function tlsOptions({ certificate, key, authorities }: TlsFiles): Option[] {
  return [
    ['transport.socket.ssl-enabled', 'on'],
    ['transport.socket.ssl-own-cert', certificate],
    ['transport.socket.ssl-private-key', key],
    ['transport.socket.ssl-ca-list', authorities],
    ['transport.socket.ssl-cert-depth', 1],
  ]
}
