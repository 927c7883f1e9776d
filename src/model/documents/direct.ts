import { z } from 'zod'
import { accountId, address, maxBricks, maxHosts, mode, plainPath } from '../fields.js'
import { deviceName } from '../names.js'
import { tolerant } from '../tolerant.js'
import { bytes, uuid } from './common.js'

/*
 * What documents say of buffers of the data plane `direct`: each agent serves its own bricks with a glusterfsd of its own, and
 * mounts with a glusterfs of its own. docs/safety.md says who may read these documents: they hold the buffers' passwords.
 */

/** What serves a buffer's bricks. A buffer keeps the one that it was made with; `glusterd` when a document names none. */
export const dataPlaneNames = ['glusterd', 'direct'] as const
export const dataPlaneName = z.enum(dataPlaneNames)
export type DataPlaneName = z.infer<typeof dataPlaneName>

export const port = z.int().min(1024).max(65_535)

/** Of 32 random bytes, in base64url: what the passwords of a buffer are made from. */
export const secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a secret of 32 bytes')

/** A plain word: what serves the bricks reads nothing else as itself, and executes what stands in back quotes. */
const word = /^[A-Za-z0-9][A-Za-z0-9_-]*$/

/** What a client says to be let in to an export. */
export const login = tolerant({
  user: z.string().max(64).regex(word, 'a user name'),
  password: z.string().min(32).max(128).regex(word, 'a password'),
})
export type Login = z.infer<typeof login>

/** A certificate, a key or several of one kind, as PEM has them. */
const pem = (kind: string) =>
  z
    .string()
    .max(4096)
    .regex(new RegExp(`^-----BEGIN ${kind}-----\n[A-Za-z0-9+/=\n]+-----END ${kind}-----\n$`), `${kind} in PEM`)

/** What one side of a connection shows of itself, and whose certificates it believes. */
export const credential = tolerant({
  certificate: pem('CERTIFICATE'),
  key: pem('PRIVATE KEY'),
  authority: pem('CERTIFICATE'),
})
export type Credential = z.infer<typeof credential>

/** The name of a certificate begins with it, and a dot. */
export const certificateHolder = z.string().max(32).regex(word, 'the holder of certificates')

/** The name by which both sides know an export. It is not a path. */
export const exportName = z.string().regex(/^[a-z][A-Za-z0-9._-]{0,270}$/, 'the name of an export')

/**
 * A directory of every brick that clients with its login alone can mount, as the root of what they see; with TLS, clients with a
 * certificate of its holder.
 */
export const brickExport = tolerant({
  name: exportName,
  /** In the brick's directory, which is `/`. Exports do not lie in one another. */
  directory: plainPath,
  uid: accountId,
  gid: accountId,
  mode,
  login: login.optional(),
  holder: certificateHolder.optional(),
})
export type BrickExport = z.infer<typeof brickExport>

/** With what a host serves its bricks by TLS, and with what it asks its own bricks whether they answer. */
export const brickTls = tolerant({
  serves: credential,
  asks: credential,
  /** The holder that may open every export. */
  storage: certificateHolder,
})
export type BrickTls = z.infer<typeof brickTls>

/** One brick on the host that the document is for. `port`: where its glusterfsd listens, on every address. */
export const directBrick = tolerant({ device: deviceName, uuid, port })
export type DirectBrick = z.infer<typeof directBrick>

/** Who may connect to the bricks' ports at all: names or IP addresses. */
export const clientAddresses = z.array(address).max(8 * maxHosts)

/** A fingerprint of a session and of its clients, as `sessionFingerprintOf` makes it. */
export const sessionsLetIn = z.array(z.string().regex(/^[A-Za-z0-9_-]{43}$/)).max(8 * maxHosts)

/** What a client mounts: that export of all bricks, in the order of the volume. */
export const directSource = tolerant({
  export: exportName,
  login: login.optional(),
  /** In place of a login. */
  tls: credential.optional(),
  bricks: z.array(tolerant({ address, port })).min(1).max(maxBricks),
  /** A mount whose file system is smaller is not connected to all bricks. */
  minBytes: bytes.optional(),
})
export type DirectSource = z.infer<typeof directSource>
