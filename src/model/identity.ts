/*
 * A device's identity, as the kernel reports it: `wwn:…`, `serial:…`, `loop:<backing file>`, or empty.
 */

/**
 * The identity, if no other disk in the world has it; undefined for a serial number, and for a world-wide name that
 * consists of zeros.
 */
export function worldWideName(identity: string): string | undefined {
  if (!identity.startsWith('wwn:')) return undefined
  const digits = identity.slice('wwn:'.length).replace(/^(naa|eui|uuid|t10|nvme)\./, '')
  return /[^0\s.-]/.test(digits) ? identity : undefined
}
