import type { IgnoredReport } from '../../model/cluster.js'
import type { HostDocument } from '../../model/documents/host.js'
import type { InventoryDocument } from '../../model/documents/inventory.js'
import { matchesHost } from '../../model/hostPattern.js'

/*
 * Who may be a storage host stands in scheduler.yaml, and not in what hosts say of themselves: an agent's etcd user suffices to
 * write any role, device and stage path below its own host's keys. Of a host that `storageHosts` does not name these are set
 * aside where documents are read, so that nothing behind it can count them.
 *
 * Bricks of a host that was taken out of `storageHosts` stand in their buffers' documents, and stay there until they are wiped.
 */
export class StorageHosts {
  /** By host; without those that report nothing which only a storage host may. */
  readonly ignored = new Map<string, IgnoredReport>()

  constructor(private readonly patterns: readonly string[]) {}

  /** What counts of a host's document. */
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

  /** Mounts are what every host has. */
  ofInventory(name: string, document: InventoryDocument | undefined): InventoryDocument | undefined {
    if (this.isNamed(name)) return document
    this.ignore(name, { devices: document?.devices ?? [] })
    if (!document) return undefined
    const counts = { ...document, devices: [] }
    delete counts.volumes
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

/** In words, for people. */
export function describeIgnored({ isStorage, devices, stagePaths }: IgnoredReport): string {
  const parts = [
    ...(isStorage ? ['the role storage'] : []),
    ...counted(devices.length, 'device'),
    ...counted(stagePaths.length, 'stage path'),
  ]
  return `it reports ${parts.join(', ')}, which is ignored: storageHosts in scheduler.yaml does not name it`
}

function counted(count: number, what: string): string[] {
  return count === 0 ? [] : [`${count} ${what}${count === 1 ? '' : 's'}`]
}
