/* What the modules of this room are told: plain values, of no document's form. */

/** One secret that opens an export. */
export interface Login {
  /** Letters, digits, `_` and `-`. */
  user: string
  password: string
}

/** Absolute paths of PEM files. */
export interface TlsFiles {
  certificate: string
  key: string
  authorities: string
}

/** A directory of a brick that clients connect to under a name of its own. */
export interface Export {
  /** Letters, digits, `_` and `-`. Another export of the process has another name. */
  name: string
  directory: string
  /** As in the directory's attribute trusted.glusterfs.volume-id: the process refuses to serve another directory. */
  volumeId: string
}

/**
 * What one brick process serves. With TLS a certificate is asked for whose name begins with a holder of the export and a dot, and
 * logins count for nothing.
 */
export type BrickProcess = {
  /** The address that it listens on; `::` for all, of both families. */
  address: string
  port: number
  /** The bricks of a dispersed volume record which files have to be healed. */
  dispersed: boolean
} & (
  | { tls?: undefined; exports: readonly (Export & { logins: readonly Login[] })[] }
  | { tls: TlsFiles; exports: readonly (Export & { holders: readonly string[] })[] }
)

/** Where a client finds one brick. */
export interface RemoteBrick {
  /** A name or an address. */
  host: string
  port: number
  export: string
}

/** How files lie on bricks: each on one, or each on `bricks` of them, of which `redundancy` may be away. */
export type Layout = { kind: 'distribute' } | { kind: 'disperse'; bricks: number; redundancy: number }

/** What a client mounts. */
export type MountedVolume = {
  /**
   * In the order that they had when the volume was made: GlusterFS keeps the place of a brick in this list in the files'
   * attributes.
   */
  bricks: readonly RemoteBrick[]
  layout: Layout
} & ({ tls?: undefined; login: Login } | { tls: TlsFiles })
