import type { HostSpec, ServiceName } from './hosts.js'
import type { Result } from './run.js'

export type { Result } from './run.js'

export interface ExecOptions {
  /** One of the lab's users, or a system account of the host; root when absent. */
  user?: string
  env?: Record<string, string>
  /** Default: the user's home. */
  cwd?: string
  input?: string
  timeoutMs?: number
}

/**
 * A whole cluster, as the demo and the end-to-end tests know it: they do not know how its hosts are made.
 * Every promise resolves when the effect is seen, not when it was requested.
 */
export interface Cluster {
  readonly hosts: readonly HostSpec[]
  /** Makes every host and starts every service; resolves when Slurm sees the whole pool and idle nodes. */
  up(): Promise<void>
  /** Stops and removes everything that `up` made, also after a run that died. Safe to repeat. */
  down(): Promise<void>
  /** Runs a command in a host, to its end, whatever its exit code. */
  exec(host: string, argv: readonly string[], options?: ExecOptions): Promise<Result>
  /** Disconnects the host's network, and connects it again. */
  cut(host: string): Promise<void>
  heal(host: string): Promise<void>
  /** Cuts the host's power: nothing is stopped or unmounted. Its disks stay. `start` turns it on again. */
  kill(host: string): Promise<void>
  start(host: string): Promise<void>
  /** Stops one program with SIGTERM or SIGKILL; what it has started or mounted stays. */
  stopService(host: string, service: ServiceName, signal?: 'TERM' | 'KILL'): Promise<void>
  /** Resolves when the service answers. */
  startService(host: string, service: ServiceName): Promise<void>
  /** Whether this process made the cluster, and may remove it. */
  isMine(): boolean
  /** The cluster stays up when this process ends. */
  keep(): void
  /** Copies the logs of all hosts to a folder that `down` keeps, and returns it. The next failure of the cluster replaces them. */
  saveLogs(): Promise<string>
}

/** A cluster whose disks can be made to fail. */
export interface BreakableDisks {
  /** Makes all reads of a disk fail. `replaceDisk` replaces it with a blank one. */
  breakDisk(host: string, device: string): Promise<void>
  replaceDisk(host: string, device: string): Promise<void>
}

export interface HostState {
  isOn: boolean
  isCut: boolean
  running: readonly ServiceName[]
}

/** What lab/cli.ts needs in addition. */
export interface OperatedCluster extends Cluster {
  isUp(): Promise<boolean>
  state(host: string): Promise<HostState>
  /** The arguments of a command at a terminal of the host. */
  shell(host: string, argv: readonly string[]): Promise<string[]>
}
