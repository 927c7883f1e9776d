import { isIP, SocketAddress } from 'node:net'
import { notAnAddress } from './messages.js'

/** `10.1.0.0/16`, or one address. */
interface Network {
  version: number
  bytes: readonly number[]
  bits: number
}

/**
 * IP addresses and networks as nft prints them: in order, each once, and none that lies in a network which is among them. Throws
 * Error for what is neither.
 */
export function canonicalAddresses(texts: readonly string[]): string[] {
  const written = [...new Set(texts.map(canonical))].sort()
  const networks = written.filter(isNetwork).map(networkOf)
  if (networks.length === 0) return written
  return written.filter((text) => !networks.some((network) => liesIn(networkOf(text), network)))
}

/** True for text with a prefix length, as in `10.1.0.0/16`. */
export function isNetwork(text: string): boolean {
  return text.includes('/')
}

/** 4 or 6, also of a network; 0 when it is neither. */
export function ipVersion(text: string): number {
  return isIP(addressOf(text))
}

function canonical(text: string): string {
  const version = ipVersion(text)
  if (version === 0 || text.includes('%')) throw new Error(notAnAddress(text))
  if (isNetwork(text)) return canonicalNetwork(text, version)
  return version === 4 ? text : printed(text)
}

function canonicalNetwork(text: string, version: number): string {
  const length = /^[^/]+\/(0|[1-9][0-9]{0,2})$/.exec(text)?.[1]
  const all = version === 4 ? 32 : 128
  if (length === undefined || Number(length) > all) throw new Error(notAnAddress(text))
  const address = printedBytes(masked(bytesOf(addressOf(text), version), Number(length)))
  return Number(length) === all ? address : `${address}/${length}`
}

function printed(address: string): string {
  const { address: short } = new SocketAddress({ address, family: 'ipv6' })
  // The packets of such a client are of IPv4.
  return /^::ffff:([0-9.]+)$/.exec(short)?.[1] ?? short
}

function networkOf(text: string): Network {
  const version = ipVersion(text)
  const bytes = bytesOf(addressOf(text), version)
  return { version, bytes, bits: Number(text.split('/')[1] ?? bytes.length * 8) }
}

function addressOf(text: string): string {
  const slash = text.indexOf('/')
  return slash < 0 ? text : text.slice(0, slash)
}

/** A network lies in another, but not in itself. */
function liesIn({ version, bytes, bits }: Network, outer: Network): boolean {
  if (version !== outer.version || bits <= outer.bits) return false
  return masked(bytes, outer.bits).join() === outer.bytes.join()
}

function masked(bytes: readonly number[], bits: number): number[] {
  return bytes.map((byte, at) => byte & (0xff00 >> Math.max(0, Math.min(8, bits - at * 8))) & 0xff)
}

function bytesOf(address: string, version: number): number[] {
  if (version === 4) return address.split('.').map(Number)
  const [before, after] = address.split('::').map(groupBytes) as [number[], number[]?]
  return after === undefined
    ? before
    : [...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after]
}

/** Of groups of IPv6, the last of which may be an address of IPv4. */
function groupBytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    const number = parseInt(group, 16)
    return group.includes('.') ? group.split('.').map(Number) : [number >> 8, number & 0xff]
  })
}

function printedBytes(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.')
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return printed(hex.match(/.{4}/g)!.join(':'))
}
