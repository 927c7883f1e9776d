/** The second sector of a disk as `pvcreate` writes it: what makes a whole disk LVM's. */
export function lvmLabelSector(): Buffer {
  const sector = Buffer.alloc(512)
  sector.write('LABELONE', 0)
  sector.writeBigUInt64LE(1n, 8)
  sector.writeUInt32LE(32, 20)
  sector.write('LVM2 001', 24)
  sector.write('abcdefghijklmnopqrstuvwxyz012345', 32)
  sector.writeUInt32LE(checksum(sector.subarray(20)), 16)
  return sector
}

/** LVM's CRC-32: the usual polynomial, an initial value of its own, no final inversion. */
function checksum(bytes: Buffer): number {
  let crc = 0xf597a6cf
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return crc >>> 0
}
