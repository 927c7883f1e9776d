import { dirname } from 'node:path'
import { type FSWatcher, watch } from 'chokidar'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import type { Role } from '../model/documents/host.js'
import type { InventoryDevice, InventoryDocument } from '../model/documents/inventory.js'
import { clipped } from '../model/fields.js'
import { toLevel } from '../model/levels.js'
import { keys } from '../store/keys.js'
import { OwnedKey } from '../store/owned.js'
import type { Store } from '../store/store.js'
import type { Host, HostSurvey } from './port/host.js'
import { msUntilNextResync } from './reconcile/resync.js'

export interface InventoryDependencies {
  host: Host
  roles: readonly Role[]
  store: Store
  clock: Clock
  log: Log
  /** The level of documents that the leader reads. */
  level: () => number
  /** Called after every discovery with the problems in the configuration of the devices. */
  onProblems?: (problems: string[]) => void
}

const settleMs = 300

/**
 * Keeps `inventory/<host>`: every configured device and what it holds. It is refreshed on request, when something
 * changes in the devices' directories, and once a minute, and written only when it has changed.
 */
export class Inventory {
  private written: string | undefined
  private current: Promise<void> | undefined
  private next: Promise<void> | undefined
  /** The devices that the next look inspects; undefined for all. */
  private due: Set<string> | undefined
  private cancelTimer: () => void = () => {}
  private watcher: FSWatcher | undefined
  private watched: string[] = []
  private watching: Promise<void> = Promise.resolve()
  private closed = false
  /** False at the start and after a wipe, so that these do not wait for a data plane that hangs. */
  private isSurveyDue = false
  private seen: HostSurvey = {}

  private readonly key: OwnedKey

  constructor(private readonly dependencies: InventoryDependencies) {
    this.key = new OwnedKey(dependencies.store, keys.inventory(dependencies.host.name))
  }

  /**
   * Resolves when an inventory that was taken after this call has been written: of that device, or of all. Calls that come
   * together share one run.
   */
  refresh(device?: string): Promise<void> {
    if (device === undefined) this.due = undefined
    else this.due?.add(device)
    return this.refreshDue()
  }

  private refreshDue(): Promise<void> {
    if (!this.current) return (this.current = this.look().finally(() => (this.current = undefined)))
    this.next ??= this.current
      .catch(() => {})
      .then(() => {
        this.next = undefined
        return this.refreshDue()
      })
    return this.next
  }

  /**
   * Watches the directories of these paths and globs, instead of earlier ones. Calls take effect one after the other.
   */
  watchDirectories(paths: string[]): Promise<void> {
    const directories = [...new Set(paths.map(directoryOf))].sort()
    return (this.watching = this.watching.catch(() => {}).then(() => this.watchInstead(directories)))
  }

  private async watchInstead(directories: string[]): Promise<void> {
    if (this.closed || directories.join() === this.watched.join()) return
    await this.watcher?.close()
    this.watcher = undefined
    this.watched = directories
    if (directories.length === 0) return
    // Only added and removed entries matter: chokidar never reads the files.
    this.watcher = watch(directories, { depth: 0, ignoreInitial: true, followSymlinks: false, alwaysStat: false })
    // Changes do not matter: each write to a disk changes its node.
    this.watcher.on('all', (event) => event !== 'change' && this.refreshIn(settleMs))
    this.watcher.on('error', (error) =>
      this.dependencies.log.warn('cannot watch the directories of devices', { reason: String(error) }),
    )
  }

  /** Refreshes repeatedly, until closed. The caller has refreshed first. */
  start(): void {
    this.refreshIn(msUntilNextResync(this.dependencies.clock))
  }

  async close(): Promise<void> {
    this.closed = true
    this.cancelTimer()
    await this.watching.catch(() => {})
    await this.watcher?.close()
  }

  private refreshIn(ms: number): void {
    this.cancelTimer()
    if (this.closed) return
    const cancel = this.dependencies.clock.after(ms, () => {
      this.isSurveyDue = true
      this.refresh()
        .catch((error: unknown) => this.dependencies.log.warn('inventory failed', { reason: String(error) }))
        .finally(() => {
          // Unless another refresh was scheduled meanwhile, which comes sooner.
          if (this.cancelTimer === cancel) this.refreshIn(msUntilNextResync(this.dependencies.clock))
        })
    })
    this.cancelTimer = cancel
  }

  private async survey(): Promise<void> {
    this.isSurveyDue = false
    const { host, log } = this.dependencies
    try {
      this.seen = (await host.survey?.()) ?? {}
    } catch (error) {
      log.warn('survey failed', { reason: String(error) })
    }
  }

  private async look(): Promise<void> {
    const only = this.due && [...this.due]
    this.due = new Set()
    try {
      await this.lookAt(only)
    } catch (error) {
      this.due = undefined
      throw error
    }
  }

  private async lookAt(only: readonly string[] | undefined): Promise<void> {
    const { host, roles, log, level, onProblems } = this.dependencies
    const [{ devices, problems }] = await Promise.all([
      host.discover(only),
      this.isSurveyDue ? this.survey() : undefined,
    ])
    onProblems?.(problems)
    const whole: InventoryDocument = { v: 1, host: host.name, devices: devices.map(withClippedReason), ...this.seen }
    const document = toLevel(whole, 'inventory', level())
    const text = JSON.stringify(document)
    if (text === this.written) return
    // A compute host has no inventory before its mounts were read.
    if (!roles.includes('storage') && this.seen.mounts === undefined) return
    // Until the answer comes, and if it never comes, either version may be in etcd.
    this.written = undefined
    await this.key.put(document)
    this.written = text
    log.info('inventory', {
      devices: devices.length,
      blank: devices.filter((device) => device.state === 'blank').length,
    })
  }
}

function withClippedReason(device: InventoryDevice): InventoryDevice {
  return device.reason === undefined ? device : { ...device, reason: clipped(device.reason) }
}

/** The directory whose entries a path or glob names: the last one before the first wildcard. */
function directoryOf(path: string): string {
  const wildcard = path.search(/[*?[]/)
  return dirname(wildcard < 0 ? path : `${path.slice(0, wildcard)}x`)
}
