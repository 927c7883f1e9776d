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
  /** Of documents that the leader reads. */
  level: () => number
  /** Hears what an operator has to fix in the configuration of the devices, at every look. */
  onProblems?: (problems: string[]) => void
}

const settleMs = 300

/**
 * `inventory/<host>`: every configured device and what it holds, looked at when asked, when something changes in the devices'
 * directories, and once a minute. Written only when it says something new.
 */
export class Inventory {
  private written: string | undefined
  private current: Promise<void> | undefined
  private next: Promise<void> | undefined
  private cancelTimer: () => void = () => {}
  private watcher: FSWatcher | undefined
  private watched: string[] = []
  private watching: Promise<void> = Promise.resolve()
  private closed = false
  /** Not at the start, nor after a wipe: nobody waits for a data plane that hangs. */
  private isSurveyDue = false
  private seen: HostSurvey = {}

  private readonly key: OwnedKey

  constructor(private readonly dependencies: InventoryDependencies) {
    this.key = new OwnedKey(dependencies.store, keys.inventory(dependencies.host.name))
  }

  /** Resolves when a look that began after this call has been written. Calls that come together share one look. */
  refresh(): Promise<void> {
    if (!this.current) return (this.current = this.look().finally(() => (this.current = undefined)))
    this.next ??= this.current
      .catch(() => {})
      .then(() => {
        this.next = undefined
        return this.refresh()
      })
    return this.next
  }

  /** Watches the directories of these paths and globs, instead of those before. Calls take effect one after the other. */
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
    // Entries coming and going is all that matters: what they hold is never read by chokidar.
    this.watcher = watch(directories, { depth: 0, ignoreInitial: true, followSymlinks: false, alwaysStat: false })
    // Not their changes either: each write to a disk is one of its node, and is no news.
    this.watcher.on('all', (event) => event !== 'change' && this.refreshIn(settleMs))
    this.watcher.on('error', (error) =>
      this.dependencies.log.warn('device directories cannot be watched', { reason: String(error) }),
    )
  }

  /** Looks again and again, until closed; the first look was the caller's. */
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
          // Unless something came meanwhile, which is looked at sooner.
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
    const { host, roles, log, level, onProblems } = this.dependencies
    const [{ devices, problems }] = await Promise.all([host.discover(), this.isSurveyDue ? this.survey() : undefined])
    onProblems?.(problems)
    const whole: InventoryDocument = { v: 1, host: host.name, devices: devices.map(withClippedReason), ...this.seen }
    const document = toLevel(whole, 'inventory', level())
    const text = JSON.stringify(document)
    if (text === this.written) return
    // A compute host has nothing to say before its mounts were looked at.
    if (!roles.includes('storage') && this.seen.mounts === undefined) return
    // While the answer is out, and when it never comes, either of the two may stand in etcd.
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
