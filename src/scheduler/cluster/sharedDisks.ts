import { hostKey } from '../../model/cluster.js'
import type { InventoryDevice } from '../../model/documents/inventory.js'
import { worldWideName } from '../../model/identity.js'
import { otherPlaces } from './devices.js'

/** What `sharedDisks` in devices.ts counts, kept as inventories change. */
export class SharedDisks {
  /** By place, as `hostKey(host, device)`: the other places of the same disk. */
  readonly shared = new Map<string, string>()
  /** By disk: its places, each with its host. */
  private readonly places = new Map<string, Map<string, string>>()

  /** Returns the hosts of disks that are seen in more or fewer places now. */
  replace(host: string, before: readonly InventoryDevice[], after: readonly InventoryDevice[]): Set<string> {
    const old = disksOf(host, before)
    const now = disksOf(host, after)
    const concerned = new Set<string>()
    for (const [place, disk] of old) if (now.get(place) !== disk) this.remove(disk, place, concerned)
    for (const [place, disk] of now) if (old.get(place) !== disk) this.add(disk, place, host, concerned)
    return concerned
  }

  private add(disk: string, place: string, host: string, concerned: Set<string>): void {
    const places = this.places.get(disk) ?? new Map<string, string>()
    this.places.set(disk, places.set(place, host))
    this.tell(places, concerned)
  }

  private remove(disk: string, place: string, concerned: Set<string>): void {
    const places = this.places.get(disk)
    if (!places) return
    places.delete(place)
    this.shared.delete(place)
    if (places.size === 0) this.places.delete(disk)
    this.tell(places, concerned)
  }

  private tell(places: ReadonlyMap<string, string>, concerned: Set<string>): void {
    for (const [place, host] of places) {
      concerned.add(host)
      if (places.size > 1) this.shared.set(place, otherPlaces(places.keys(), place))
      else this.shared.delete(place)
    }
  }
}

function disksOf(host: string, devices: readonly InventoryDevice[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const { name, identity } of devices) {
    const disk = worldWideName(identity)
    if (disk !== undefined) found.set(hostKey(host, name), disk)
  }
  return found
}
