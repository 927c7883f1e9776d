/*
 * One call and one reply of ONC RPC over TCP (RFC 5531, XDR of RFC 4506), and the dictionaries that GlusterFS sends in them.
 * What comes from the network is not trusted: readers never read past the end, and throw Malformed.
 */

/** Bytes that are no such reply. */
export class Malformed extends Error {
  override name = 'Malformed'
}

/** No reply to a handshake is larger. */
export const maxReplyBytes = 16 * 1024
const maxPairs = 1000
const lastFragment = 0x80000000

/** One call without credentials, as one record. */
export function callRecord(
  xid: number,
  procedure: readonly [program: number, version: number, number: number],
  args: Buffer,
) {
  const [call, rpcVersion, noAuth] = [0, 2, [0, 0]]
  const body = Buffer.concat([words(xid, call, rpcVersion, ...procedure, ...noAuth, ...noAuth), args])
  return Buffer.concat([words((lastFragment | body.length) >>> 0), body])
}

/** Opaque bytes: their length, they themselves, and zeros up to a whole word. */
export function opaque(bytes: Buffer): Buffer {
  return Buffer.concat([words(bytes.length), bytes, Buffer.alloc(paddingOf(bytes.length))])
}

/** As GlusterFS has it: each value a text with its final zero. */
export function dictionary(entries: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(entries).map(([key, value]) => {
    const [name, text] = [Buffer.from(`${key}\0`), Buffer.from(`${value}\0`)]
    return Buffer.concat([words(name.length - 1, text.length), name, text])
  })
  return Buffer.concat([words(pairs.length), ...pairs])
}

/**
 * The first whole record at the start of what was received; undefined while it is not whole. Throws Malformed for one that is
 * longer than `maxReplyBytes`, or in more fragments than one, which no reply is that fits.
 */
export function recordIn(received: Buffer): Buffer | undefined {
  if (received.length < 4) return undefined
  const mark = received.readUInt32BE()
  const length = mark & ~lastFragment
  if ((mark & lastFragment) === 0) throw new Malformed('the reply is in several fragments')
  if (length > maxReplyBytes) throw new Malformed(`the reply has ${length} bytes`)
  return received.length < 4 + length ? undefined : received.subarray(4, 4 + length)
}

/** What stands behind the head of an accepted reply to that call. Throws Malformed for anything else. */
export function replyIn(record: Buffer, xid: number): Reader {
  const reader = new Reader(record)
  if (reader.word() !== xid) throw new Malformed('the reply is to another call')
  if (reader.word() !== 1) throw new Malformed('it is not a reply')
  if (reader.word() !== 0) throw new Malformed('the call was rejected')
  reader.word()
  reader.opaque()
  const status = reader.word()
  if (status !== 0) throw new Malformed(`the call was not carried out: ${status}`)
  return reader
}

/** Reads what stands one behind another. Throws Malformed at its end. */
export class Reader {
  private at = 0

  constructor(private readonly bytes: Buffer) {}

  /** An unsigned number of four bytes. */
  word(): number {
    return this.take(4).readUInt32BE()
  }

  /** A signed number of four bytes. */
  signedWord(): number {
    return this.take(4).readInt32BE()
  }

  /** Opaque bytes, without their length and their padding. */
  opaque(): Buffer {
    const length = this.word()
    const bytes = this.take(length)
    this.take(paddingOf(length))
    return bytes
  }

  /** The next bytes, as they are. */
  take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw new Malformed('the reply ends too early')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }
}

/** The texts of a dictionary. Throws Malformed. */
export function textsIn(bytes: Buffer): Map<string, string> {
  const texts = new Map<string, string>()
  if (bytes.length === 0) return texts
  const reader = new Reader(bytes)
  const count = reader.word()
  if (count > maxPairs) throw new Malformed(`a dictionary of ${count} pairs`)
  for (let pair = 0; pair < count; pair++) {
    const [nameLength, valueLength] = [reader.word(), reader.word()]
    const name = reader.take(nameLength).toString()
    reader.take(1)
    texts.set(name, reader.take(valueLength).toString().replace(/\0$/, ''))
  }
  return texts
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32BE(value, index * 4))
  return bytes
}

function paddingOf(length: number): number {
  return (4 - (length % 4)) % 4
}
