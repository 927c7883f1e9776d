import { whyNotAdoptAt } from '../../model/adoption.js'
import type { DesiredAdopt } from '../../model/documents/adopt.js'
import type { AdoptFacts } from '../port.js'
import { describeContent, whyNotTheDevice } from './device.js'
import type { Plan } from './plan.js'

/** A foreign device that an operator gave to us by name: wiped only while the word is fresh and it holds what the operator saw. */
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
  if (late !== undefined) return refuse(`device ${adopt.device} is not wiped: ${late}`)
  if (device.content.kind === 'unreadable')
    return refuse(`device ${adopt.device} cannot be read: ${device.content.reason}`)
  if (device.busy.length > 0) return refuse(`device ${adopt.device} is in use: ${device.busy.join(', ')}`)
  const found = describeContent(device.content)
  if (found !== adopt.expected) {
    return refuse(`device ${adopt.device} holds ${found} now, not ${adopt.expected} as it did when it was adopted`)
  }
  return { steps: [{ kind: 'adoptDevice', adopt }], waitingFor: [], report: { state: 'forming' } }
}
