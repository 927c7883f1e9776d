import { containsZero } from './messages.js'

/*
 * What this process and the starter say to each other. starter.c tells what each message means.
 */

export type Output = 'stdout' | 'stderr'

export interface ProgramStart {
  argv: readonly [string, ...string[]]
  /** The whole environment. */
  env: Record<string, string | undefined>
  /** Without one it reads /dev/null. */
  hasInput: boolean
  /** More of each output is dropped; 0: all of it is given. */
  limitBytes: number
  /** Its outputs are given until nobody has them open, otherwise until it has ended. */
  untilClosed: boolean
}

/** What the starter says of one program. */
export type Told =
  | { kind: 'runs'; pid: number }
  | { kind: 'notStarted'; errno: number }
  | { kind: 'output'; output: Output; bytes: Buffer }
  | { kind: 'ended'; code: number; signal: number }
  /** It is not the starter of this release. */
  | { kind: 'unknown' }

/** So many bytes of an output may be under way. */
export const windowBytes = 256 * 1024
const headerBytes = 9
const outputs = ['stdout', 'stderr'] as const

/** One message to the starter about the program with that number. */
export function message(id: number, kind: string, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, headerBytes)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(length - 4, 0)
  header.writeUInt32LE(id, 4)
  header.write(kind, 8, 'latin1')
  return Buffer.concat([header, ...parts], length)
}

/** Throws Error for a text that contains a zero, which no argument can. */
export function startMessage(id: number, start: ProgramStart): Buffer {
  const { argv, env, hasInput, limitBytes, untilClosed } = start
  const variables = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
  const texts = [...argv, ...variables]
  if (texts.some((text) => text.includes('\0'))) throw new Error(containsZero(argv[0]))
  const numbers = Buffer.alloc(13)
  numbers.writeUInt8((hasInput ? 1 : 0) + (untilClosed ? 2 : 0), 0)
  numbers.writeUInt32LE(limitBytes, 1)
  numbers.writeUInt32LE(windowBytes, 5)
  numbers.writeUInt32LE(argv.length, 9)
  return message(id, 's', numbers, Buffer.from(texts.map((text) => `${text}\0`).join('')))
}

/** So many bytes of that output of the program were processed. */
export function takenMessage(id: number, output: Output, bytes: number): Buffer {
  const body = Buffer.alloc(5)
  body.writeUInt8(outputs.indexOf(output) + 1, 0)
  body.writeUInt32LE(bytes, 1)
  return message(id, 't', body)
}

/** Puts the starter's messages together from the pieces in which they come. */
export class Messages {
  private rest: Buffer = Buffer.alloc(0)

  constructor(private readonly onMessage: (id: number, told: Told) => void) {}

  /** The next piece of what was received, which may end within a message. */
  push(piece: Buffer): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, piece]) : piece
    let at = 0
    while (bytes.length - at >= headerBytes) {
      const end = at + 4 + bytes.readUInt32LE(at)
      if (bytes.length < end) break
      const kind = String.fromCharCode(bytes[at + 8]!)
      this.onMessage(bytes.readUInt32LE(at + 4), toldIn(kind, bytes.subarray(at + headerBytes, end)))
      at = end
    }
    this.rest = bytes.subarray(at)
  }
}

function toldIn(kind: string, body: Buffer): Told {
  switch (kind) {
    case 'p':
      return { kind: 'runs', pid: body.readUInt32LE(0) }
    case 'n':
      return { kind: 'notStarted', errno: body.readUInt32LE(0) }
    case 'o':
      return { kind: 'output', output: 'stdout', bytes: body }
    case 'r':
      return { kind: 'output', output: 'stderr', bytes: body }
    case 'x':
      return { kind: 'ended', code: body.readUInt32LE(0), signal: body.readUInt32LE(4) }
    default:
      return { kind: 'unknown' }
  }
}
