import { type DeviceContent, type DeviceState, Refusal } from '../port/host.js'
import {
  cannotBeUsed,
  dataIsLost,
  deviceHolds,
  formatHasFinished,
  hasAnotherIdentity,
  hasAnotherSize,
} from './messages.js'

/** What a device holds, in words. An adoption compares them with those of its document: they must not change. */
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

/** Why this is not the device that was recorded; undefined when it is. */
export function whyNotTheDevice(
  device: DeviceState,
  wanted: { device: string; identity: string; sizeBytes: number },
): string | undefined {
  if (!device.present) return cannotBeUsed(wanted.device, device.reason)
  // guard: device-identity
  if (device.identity !== wanted.identity) {
    return hasAnotherIdentity(wanted.device, wanted.identity, device.identity)
  }
  if (device.sizeBytes !== wanted.sizeBytes) {
    return hasAnotherSize(wanted.device, wanted.sizeBytes, device.sizeBytes)
  }
  return undefined
}

/** The check of invariant 2: only a blank device is formatted, or one whose format for this brick was cut short. */
export function mayFormat(content: DeviceContent, uuid: string, over: 'blank' | 'own'): boolean {
  // guard: may-format
  return over === 'blank' ? content.kind === 'blank' : content.kind === 'xfs' && content.uuid === uuid
}

/**
 * Why a device with this content is not formatted; undefined when it may be. The mkfs of an agent that died may end
 * after the next agent has inspected the device: then the device is inspected again, not refused.
 */
export function whyNotFormat(
  content: DeviceContent,
  { device, uuid, built }: { device: string; uuid: string; built?: true | undefined },
  over: 'blank' | 'own',
): Error | undefined {
  // guard: built-executed
  if (built) return new Refusal(whyNotAgain(content, device))
  if (mayFormat(content, uuid, over)) return undefined
  const found = describeContent(content)
  if (mayFormat(content, uuid, 'own')) return new Error(formatHasFinished(device, found))
  return new Refusal(deviceHolds(device, found))
}

/** Why a brick that may have held data is not formatted: that would hide the loss of the data. */
export function whyNotAgain(content: DeviceContent, device: string): string {
  return dataIsLost(device, describeContent(content))
}

/** Only a device that was formatted for this brick is ever wiped. */
export function mayWipe(content: DeviceContent, uuid: string): boolean {
  return content.kind === 'xfs' && content.uuid === uuid
}
