import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Credential } from '../../../../model/documents/direct.js'
import { callRecord, dictionary, opaque, recordIn, replyIn, textsIn } from './rpc.js'
import type { Login } from './types.js'

/*
 * Asks a brick process for an export as a client does first (SETVOLUME, of GlusterFS's protocol `glusterfs-hndsk`). It accepts
 * only when its directory, its translators and its login are as they should be. The connection is closed at once: nothing
 * is mounted.
 */

/** What a brick process says. */
export type Answer =
  | { kind: 'accepted' }
  /** The login is not that of the export. */
  | { kind: 'refused'; reason: string }
  /** It does not serve that export. */
  | { kind: 'unknownExport'; reason: string }
  /** Nobody listens, the connection was closed, or TLS has failed. */
  | { kind: 'closed'; reason: string }
  /** `isConnected`: the kernel has taken the connection for it. */
  | { kind: 'timedOut'; isConnected: boolean }
  /** Somebody answers who does not speak this protocol, or with an error that is not known. */
  | { kind: 'unexpected'; reason: string }

export interface Probe {
  host: string
  port: number
  export: string
  login?: Login
  /** PEM texts. The certificate of the brick is to be of the authorities, whatever its name. */
  tls?: { certificate: string; key: string; authorities: string }
  timeoutMs: number
}

/** With what a holder of it asks. */
export function probeTlsOf({ certificate, key, authority }: Credential): NonNullable<Probe['tls']> {
  return { certificate, key, authorities: authority }
}

const setVolume = [14398633, 2, 1] as const
/** Of the calls that a client makes later, which the process compares. */
const versions = { 'fops-version': '1298437', 'mgmt-version': '1' }
const [permissionDenied, notFound] = [13, 2]

/** Never throws, and takes no longer than its time. */
export function probeBrick(probe: Probe): Promise<Answer> {
  return new Promise((resolve) => {
    const xid = 1
    let received = Buffer.alloc(0)
    let socket: Socket
    let isConnected = false
    const timer = setTimeout(() => end({ kind: 'timedOut', isConnected }), probe.timeoutMs)
    const end = (answer: Answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    try {
      socket = connectionTo(probe, () => {
        socket.write(callRecord(xid, setVolume, opaque(dictionary(requestOf(probe)))))
      })
      socket.on('connect', () => (isConnected = true))
    } catch (error) {
      // A certificate or a key that cannot be read.
      clearTimeout(timer)
      return resolve({ kind: 'closed', reason: reasonOf(error) })
    }
    socket.on('error', (error) => end({ kind: 'closed', reason: reasonOf(error) }))
    socket.on('close', () => end({ kind: 'closed', reason: 'the connection was closed' }))
    socket.on('data', (bytes) => {
      try {
        received = Buffer.concat([received, bytes])
        const record = recordIn(received)
        if (record) end(answerIn(record, xid))
      } catch (error) {
        end({ kind: 'unexpected', reason: reasonOf(error) })
      }
    })
  })
}

function connectionTo({ host, port, tls }: Probe, onConnect: () => void): Socket {
  if (!tls) return connect({ host, port }, onConnect)
  const { certificate: cert, key, authorities: ca } = tls
  return connectTls({ host, port, cert, key, ca, checkServerIdentity: () => undefined }, onConnect)
}

function requestOf({ export: name, login }: Probe): Record<string, string> {
  const access: Record<string, string> = login ? { username: login.user, password: login.password } : {}
  return { ...versions, 'process-uuid': `probe-${randomUUID()}`, 'remote-subvolume': name, ...access }
}

/** Throws Malformed. */
function answerIn(record: Buffer, xid: number): Answer {
  const reply = replyIn(record, xid)
  const [result, code] = [reply.signedWord(), reply.signedWord()]
  if (result === 0) return { kind: 'accepted' }
  const reason = printable(textsIn(reply.opaque()).get('ERROR') ?? `error ${code}`)
  if (code === permissionDenied) return { kind: 'refused', reason }
  if (code === notFound) return { kind: 'unknownExport', reason }
  return { kind: 'unexpected', reason }
}

function reasonOf(error: unknown): string {
  // What OpenSSL says, without its numbers and its places in the source.
  if (error instanceof Error && 'reason' in error && typeof error.reason === 'string') return printable(error.reason)
  return printable(error instanceof Error ? error.message : String(error))
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
