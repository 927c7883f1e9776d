import type { InventoryDocument } from '../../../../model/documents/inventory.js'
import type { BrickFence } from './fenceType.js'
import { deviceOf, ownBricks } from './ownBricks.js'

/** Volumes that processes of this host serve, or that are in the fence, in the order of their names. */
export async function servedVolumes(
  fence: Pick<BrickFence, 'admitted'>,
): Promise<NonNullable<InventoryDocument['served']>> {
  const bricks = await ownBricks()
  const admitted = await fence.admitted().catch(() => new Map<string, { ports: number[] }>())
  const names = new Set([...bricks.map(({ volume }) => volume), ...admitted.keys()])
  return [...names].sort().map((volume) => ({
    volume,
    devices: bricks.filter((brick) => brick.volume === volume).map(deviceOf),
    ports: [...(admitted.get(volume)?.ports ?? [])],
  }))
}
