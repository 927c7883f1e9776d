import { brickMountPath } from '../../model/cluster.js'
import type { DesiredBrick } from '../../model/documents/brick.js'
import type { BrickFacts, DeviceContent } from '../port.js'
import type { Step } from '../steps.js'
import { describeContent, whyNotAgain, whyNotTheDevice } from './device.js'
import type { Plan, Report } from './plan.js'

/*
 * A brick, wanted present: blank → formatted with its uuid → mounted → stamped → directory made → ready. The stamp file is
 * what says that the format was finished: our uuid without it means that mkfs was cut short, and is formatted again. Once
 * its buffer was built nothing is formatted any more: what looks unfinished or blank then has lost its data.
 *
 * Wanted absent: no process serves it → unmounted → wiped → absent. A wipe that takes long goes on beside the rounds. Only a device that carries this brick's uuid is wiped;
 * one that holds anything else was never formatted for this brick, so there is nothing of it to remove.
 */
export function planBrick(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  return brick.wanted === 'present' ? planPresent(brick, facts) : planAbsent(brick, facts)
}

function planPresent(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  const forming = report(brick, 'forming')
  const { device, mounted } = facts
  if (facts.wiping) return wait(forming, `the wipe of ${brick.device}, which is under way, to end`)
  const wrong = whyNotTheDevice(device, brick)
  if (wrong !== undefined || !device.present) return refuse(forming, wrong ?? 'absent')
  if (mounted) return planMounted(brick, facts)
  if (facts.beingFormatted) return wait(forming, endOfFormat(brick))
  const { content } = device
  if (content.kind === 'xfs' && content.uuid === brick.uuid) {
    if (device.busy.length > 0) return wait(forming, `device ${brick.device} is in use: ${device.busy.join(', ')}`)
    if (content.inProgress) return format(brick, 'own', content)
    // Mounting tells whether all was finished: the stamp file is inside.
    return { steps: [{ kind: 'mountBrick', brick }], waitingFor: [], report: forming }
  }
  if (device.partitions.length > 0)
    return refuse(forming, `device ${brick.device} has partitions: ${device.partitions.join(', ')}`)
  // guard: device-blank
  if (content.kind !== 'blank') return refuse(forming, `device ${brick.device} holds ${describeContent(content)}`)
  if (device.busy.length > 0) return refuse(forming, `device ${brick.device} is in use: ${device.busy.join(', ')}`)
  return format(brick, 'blank', content)
}

function planMounted(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  const forming = report(brick, 'forming')
  const { device, mounted, stamp, directories } = facts
  if (!mounted!.thisDevice) return refuse(forming, `${brickMountPath(brick.device)} has ${mounted!.source} mounted`)
  const content = device.present ? device.content : undefined
  if (content?.kind !== 'xfs' || content.uuid !== brick.uuid) {
    return refuse(
      forming,
      `device ${brick.device} is mounted and holds ${content ? describeContent(content) : 'nothing'}`,
    )
  }
  if (mounted!.readOnly)
    return refuse(forming, `device ${brick.device} is mounted read-only: its disk or file system fails`)
  if (mounted!.unreadable !== undefined)
    return refuse(forming, `device ${brick.device} is mounted and cannot be read: ${mounted!.unreadable}`)
  // The directory is made behind the stamp, so that no format was cut short here: a repair of the file system lost it, say.
  if (stamp === undefined && directories.length > 0)
    return refuse(forming, `device ${brick.device} has no stamp and a directory ${directories[0]}, which may hold data`)
  // guard: stamped
  if (stamp === undefined) {
    const again = format(brick, 'own', content)
    if (again.refused !== undefined) return again
    return { ...again, steps: [{ kind: 'unmountBrick', brick }, ...again.steps] }
  }
  if (stamp !== brick.uuid) return refuse(forming, `device ${brick.device} is stamped for the brick ${stamp}`)
  if (!directories.includes(brick.directory)) {
    return { steps: [{ kind: 'makeBrickDirectory', brick }], waitingFor: [], report: forming }
  }
  return { steps: [], waitingFor: [], report: report(brick, 'ready') }
}

function format(brick: DesiredBrick, over: 'blank' | 'own', content: DeviceContent): Plan<'brick'> {
  // guard: built-planned
  if (brick.built) return refuse(report(brick, 'forming'), whyNotAgain(content, brick.device))
  const steps: Step[] = [
    { kind: 'formatBrick', brick, over },
    { kind: 'mountBrick', brick },
    { kind: 'stampBrick', brick },
    { kind: 'makeBrickDirectory', brick },
  ]
  return { steps, waitingFor: [], report: report(brick, 'forming') }
}

function planAbsent(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  const leaving = report(brick, 'leaving')
  const { device, mounted, servedBy, wiping } = facts
  // A drive that is being sanitized cannot even be read.
  if (wiping) return { steps: [], waitingFor: [], report: { ...leaving, wiping } }
  const wrong = whyNotTheDevice(device, brick)
  if (wrong !== undefined || !device.present) return refuse(leaving, wrong ?? 'absent')
  // Blank as it may be now, it will carry the brick in a moment.
  if (facts.beingFormatted) return wait(leaving, endOfFormat(brick))
  const { content } = device
  const ours = content.kind === 'xfs' && content.uuid === brick.uuid
  if (content.kind === 'unreadable') return refuse(leaving, `device ${brick.device} cannot be read: ${content.reason}`)
  // A disk that was overwritten under our mount is not free before an operator has looked at it.
  if (!ours && mounted?.thisDevice)
    return refuse(leaving, `device ${brick.device} is mounted and holds ${describeContent(content)}`)
  // guard: only-own-wiped
  if (!ours) return { steps: [], waitingFor: [], report: report(brick, 'absent') }
  const steps: Step[] = []
  if (servedBy) steps.push({ kind: 'stopBrickProcess', brick, pid: servedBy.pid })
  if (mounted && !mounted.thisDevice)
    return refuse(leaving, `${brickMountPath(brick.device)} has ${mounted.source} mounted`)
  if (mounted) steps.push({ kind: 'unmountBrick', brick })
  else if (device.busy.length > 0) return wait(leaving, `device ${brick.device} is in use: ${device.busy.join(', ')}`)
  return { steps: [...steps, { kind: 'wipeBrick', brick }], waitingFor: [], report: leaving }
}

function endOfFormat({ device }: DesiredBrick): string {
  return `mkfs on ${device}, begun before the agent was restarted, to end`
}

function report(brick: DesiredBrick, state: Report<'brick'>['state']): Report<'brick'> {
  return { uuid: brick.uuid, directory: brick.directory, state }
}

function refuse(report: Report<'brick'>, refused: string): Plan<'brick'> {
  return { steps: [], waitingFor: [], refused, report }
}

function wait(report: Report<'brick'>, reason: string): Plan<'brick'> {
  return { steps: [], waitingFor: [reason], report }
}
