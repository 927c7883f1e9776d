import type { DesiredTransfer } from '../../../model/documents/transfer.js'
import type { DirectSource } from '../../../model/documents/direct.js'
import type { HostSurvey } from '../../port/host.js'
import type { Run } from '../exec/run.js'
import type { BrickServer } from '../exec/processes.js'

/** What makes one file system of bricks, on this host: all commands, paths and errors of it stand behind this. */
export interface DataPlane {
  /** Of its programs, by name, for the host's document; those that cannot be asked are left out. */
  versions(): Promise<Record<string, string>>
  /** Every volume that it knows, whoever made it; without what does not answer. */
  survey(): Promise<Pick<HostSurvey, 'volumes' | 'served'>>
  /** Why bricks below that mount path may not be taken away, asked of the plane itself; undefined when they may. */
  whyHeld(mountPath: string): Promise<string | undefined>
  /** Throws unless every brick of the transfer's volume is online, and the volume has as many as it should. */
  requireAllBricksOnline(transfer: DesiredTransfer): Promise<void>
  brickServer: BrickServer
  client: Client
}

/** How a host mounts a volume. */
export interface Client {
  /** The servers, those first that answer now. Throws when none does. */
  liveFirst(servers: readonly string[]): Promise<string[]>
  /** Whether it is mounted then is for the caller to see: the program may say so although it is not. */
  mount(source: MountSource, path: string, use: MountUse): Promise<void>
  /** What becomes of the directory below the mount: nobody may write there while nothing is mounted, where that can be had. */
  mountPointMode: '755' | '000'
  /** Nothing is mounted there any more: ends what is left of its client. May be repeated. */
  unmounted(path: string): Promise<void>
  /** What is mounted there shows an older certificate than the source's. */
  hasOldCertificate(source: Pick<MountSource, 'direct'>, path: string): Promise<boolean>
  /** What is mounted there shows the source's certificate from its next connection on. */
  renewCertificate(source: Pick<MountSource, 'direct' | 'volume'>, path: string): Promise<void>
  /** It is mounted there: the end of its client is noticed from now on, where this plane can. May be repeated. */
  follow(path: string): Promise<void>
  /** Something of a client is left for that path, where nothing is mounted (any more). */
  isLeft(path: string): Promise<boolean>
  /** Programs of its own that take a user's FUSE mount off for that user. */
  fusermounts: readonly string[]
}

export interface MountSource {
  servers: readonly string[]
  volume: string
  /** `/private/c1`; the root when absent. */
  directory?: string | undefined
  /** The export of the data plane `direct`, in place of servers and directory. */
  direct?: DirectSource | undefined
}

export interface MountUse {
  /** Whether the client keeps the pages of files; not when absent. */
  clientCache?: boolean | undefined
  /** Files keep their access control lists. */
  acl?: boolean
}

export interface DataPlaneOptions {
  /** This host's name. */
  name: string
  run: Run
  /** Runs the plane's own commands, where they do not run on the host itself. */
  runPlane?: Run | undefined
  /** Hears what cannot be asked. */
  warn: (phrase: string, fields: object) => void
}
