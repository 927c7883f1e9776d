import { type DeviceContent, type DeviceFacts, Refusal } from '../port.js'

export function describeContent(content: DeviceContent): string {
  switch (content.kind) {
    case 'blank':
      return 'nothing'
    case 'xfs':
      return content.label.startsWith('bb-') ? `the brick ${content.uuid}` : `an XFS file system ${content.uuid}`
    case 'other':
      return content.what
    case 'unreadable':
      return `what cannot be read (${content.reason})`
  }
}

/** Why this is not the device that was recorded, or not whole, or not ours alone to touch; undefined when it is. */
export function whyNotTheDevice(
  device: DeviceFacts,
  wanted: { device: string; identity: string; sizeBytes: number },
): string | undefined {
  if (!device.present) return `device ${wanted.device} is not there: ${device.reason}`
  // guard: device-identity
  if (device.identity !== wanted.identity) {
    return `device ${wanted.device} is another disk now: expected ${wanted.identity || 'none'}, found ${device.identity || 'none'}`
  }
  if (device.sizeBytes !== wanted.sizeBytes) {
    return `device ${wanted.device} has another size now: expected ${wanted.sizeBytes} bytes, found ${device.sizeBytes}`
  }
  return undefined
}

/** Invariant 2's last word on content: a blank device, or one whose format for this very brick was cut short. */
export function mayFormat(content: DeviceContent, uuid: string, over: 'blank' | 'own'): boolean {
  // guard: may-format
  return over === 'blank' ? content.kind === 'blank' : content.kind === 'xfs' && content.uuid === uuid
}

/**
 * What stands in the way of formatting a device that holds this. The mkfs of an agent that died may come to its end after
 * its successor has looked: that is no reason to give the device up, only to look again.
 */
export function whyNotFormat(
  content: DeviceContent,
  { device, uuid, built }: { device: string; uuid: string; built?: true | undefined },
  over: 'blank' | 'own',
): Error | undefined {
  // guard: built-executed
  if (built) return new Refusal(whyNotAgain(content, device))
  if (mayFormat(content, uuid, over)) return undefined
  const holds = `device ${device} holds ${describeContent(content)}`
  return mayFormat(content, uuid, 'own') ? new Error(`${holds} by now: an earlier mkfs was done`) : new Refusal(holds)
}

/** A brick that may hold data and does not look like it: somebody or something took it away, which a format would hide. */
export function whyNotAgain(content: DeviceContent, device: string): string {
  return `device ${device} holds ${describeContent(content)}, though its buffer was built: its data is lost or damaged, and nothing is formatted`
}

/** Only what was formatted for this very brick is ever wiped. */
export function mayWipe(content: DeviceContent, uuid: string): boolean {
  return content.kind === 'xfs' && content.uuid === uuid
}
