export interface Size {
  operations: number
  bytes: number
}

/** Groups items in order, with as few groups as possible, each within the limits. An item above the limits is its own group. */
export function pack<T>(items: T[], sizeOf: (item: T) => Size, limits: Size): T[][] {
  const groups: T[][] = []
  let room: Size = { operations: 0, bytes: 0 }
  for (const item of items) {
    const { operations, bytes } = sizeOf(item)
    const last = groups.at(-1)
    if (last && operations <= room.operations && bytes <= room.bytes) last.push(item)
    else {
      groups.push([item])
      room = { ...limits }
    }
    room = { operations: room.operations - operations, bytes: room.bytes - bytes }
  }
  return groups
}
