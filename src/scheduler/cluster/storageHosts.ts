import type { IgnoredReport } from '../../model/cluster.js'
import type { HostDocument } from '../../model/documents/host.js'
import type { InventoryDocument } from '../../model/documents/inventory.js'
import { matchesHost } from '../../model/hostPattern.js'
import * as messages from './messages.js'

/*
 * scheduler.yaml says who may be a storage host, not the hosts themselves: with an agent's etcd user, anybody can write any role,
 * device and stage path below that host's keys. If `storageHosts` does not name a host, these are removed where documents are
 * read, so that no other code can count them.
 *
 * Bricks of a host that was removed from `storageHosts` stay in their buffers' documents until they are wiped.
 */
export class StorageHosts {
  /** By host; only hosts that report something which only a storage host may report. */
  readonly ignored = new Map<string, IgnoredReport>()

  constructor(private readonly patterns: readonly string[]) {}

  /** The host's document without what is ignored. */
  ofHost(name: string, document: HostDocument | undefined): HostDocument | undefined {
    if (this.isNamed(name)) return document
    this.ignore(name, {
      isStorage: document?.roles.includes('storage') ?? false,
      stagePaths: document?.stagePaths ?? [],
    })
    if (!document) return undefined
    const counts = { ...document, roles: document.roles.filter((role) => role !== 'storage') }
    delete counts.stagePaths
    return counts
  }

  /** The inventory without what is ignored; every host may have mounts. */
  ofInventory(name: string, document: InventoryDocument | undefined): InventoryDocument | undefined {
    if (this.isNamed(name)) return document
    this.ignore(name, { devices: document?.devices ?? [] })
    if (!document) return undefined
    const counts = { ...document, devices: [] }
    delete counts.volumes
    delete counts.served
    return counts
  }

  isNamed(host: string): boolean {
    return this.patterns.some((pattern) => matchesHost(pattern, host))
  }

  private ignore(host: string, parts: Partial<IgnoredReport>): void {
    const nothing = { isStorage: false, devices: [], stagePaths: [] }
    const report: IgnoredReport = { ...nothing, ...this.ignored.get(host), ...parts }
    const isEmpty = !report.isStorage && report.devices.length === 0 && report.stagePaths.length === 0
    if (isEmpty) this.ignored.delete(host)
    else this.ignored.set(host, report)
  }
}

/** What is ignored, in words for an operator. */
export function describeIgnored({ isStorage, devices, stagePaths }: IgnoredReport): string {
  const parts = [
    ...(isStorage ? ['the role storage'] : []),
    ...counted(devices.length, 'device'),
    ...counted(stagePaths.length, 'stage path'),
  ]
  return messages.ignored(parts)
}

function counted(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`]
}
