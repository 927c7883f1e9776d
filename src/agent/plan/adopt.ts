import { whyNotAdoptAt } from '../../model/adoption.js'
import type { DesiredAdopt } from '../../model/documents/adopt.js'
import type { AdoptFacts } from '../port/host.js'
import { describeContent, whyNotTheDevice } from './device.js'
import { deviceIsInUse, deviceIsUnreadable, holdsSomethingElse, isNotWiped } from './messages.js'
import type { Plan } from '../port/plan.js'

/**
 * A foreign device that an operator adopted by name. It is wiped only while the adoption is fresh and it holds what the
 * operator saw.
 */
export function planAdopt(adopt: DesiredAdopt, facts: AdoptFacts): Plan<'adopt'> {
  const { device, now, wiping, isAllButWiped } = facts
  const refuse = (refused: string): Plan<'adopt'> => ({
    steps: [],
    waitingFor: [],
    refused,
    report: { state: 'forming' },
  })
  if (wiping) return { steps: [], waitingFor: [], report: { state: 'forming', wiping } }
  const wrong = whyNotTheDevice(device, adopt)
  if (wrong !== undefined || !device.present) return refuse(wrong ?? 'absent')
  if (device.content.kind === 'blank') return { steps: [], waitingFor: [], report: { state: 'done' } }
  const late = isAllButWiped ? undefined : whyNotAdoptAt(now, adopt.until)
  if (late !== undefined) return refuse(isNotWiped(adopt.device, late))
  if (device.content.kind === 'unreadable') return refuse(deviceIsUnreadable(adopt.device, device.content.reason))
  if (device.busy.length > 0) return refuse(deviceIsInUse(adopt.device, device.busy))
  const found = describeContent(device.content)
  if (found !== adopt.expected) {
    return refuse(holdsSomethingElse(adopt.device, found, adopt.expected))
  }
  return { steps: [{ kind: 'adoptDevice', adopt }], waitingFor: [], report: { state: 'forming' } }
}
