import { brickMountPath } from '../../model/cluster.js'
import type { DesiredBrick } from '../../model/documents/brick.js'
import type { BrickFacts, DeviceContent } from '../port/host.js'
import type { Step } from '../port/steps.js'
import { describeContent, whyNotAgain, whyNotTheDevice } from './device.js'
import {
  deviceHasPartitions,
  deviceHolds,
  deviceIsInUse,
  deviceIsUnreadable,
  deviceToBeReleased,
  formatToFinish,
  hasNoStamp,
  hasStampOf,
  isMountedAndHolds,
  isMountedAndUnreadable,
  isMountedReadOnly,
  otherMountAt,
  spareHasDirectory,
  wipeToFinish,
} from './messages.js'
import type { Plan, Report } from '../port/plan.js'

/*
 * A brick, wanted present: blank → formatted with its uuid → mounted → stamped → directory made → ready. The stamp file
 * shows that the format finished: a device with our uuid and without the file is formatted again. Once its buffer was
 * built nothing is formatted any more: a device that looks unfinished or blank then has lost its data.
 *
 * A spare is ready without a directory. The buffer that gets it has the same brick, for which the directory alone is missing.
 *
 * Wanted absent: no process serves it → unmounted → wiped → absent. A wipe that takes long runs beside the rounds. Only
 * a device that carries this brick's uuid is wiped; one that holds anything else was never formatted for this brick,
 * and holds nothing of it.
 */
export function planBrick(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  return brick.wanted === 'present' ? planPresent(brick, facts) : planAbsent(brick, facts)
}

function planPresent(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  const forming = report(brick, 'forming')
  const { device, mounted } = facts
  if (facts.wiping) return wait(forming, wipeToFinish(brick.device))
  const wrong = whyNotTheDevice(device, brick)
  if (wrong !== undefined || !device.present) return refuse(forming, wrong ?? 'absent')
  if (mounted) return planMounted(brick, facts)
  if (facts.beingFormatted) return wait(forming, formatToFinish(brick.device))
  const { content } = device
  if (content.kind === 'xfs' && content.uuid === brick.uuid) {
    if (device.busy.length > 0) return wait(forming, deviceToBeReleased(brick.device, device.busy))
    if (content.inProgress) return format(brick, 'own', content)
    // Whether the format finished shows when it is mounted: the stamp file is inside.
    return { steps: [{ kind: 'mountBrick', brick }], waitingFor: [], report: forming }
  }
  if (device.partitions.length > 0) return refuse(forming, deviceHasPartitions(brick.device, device.partitions))
  // guard: device-blank
  if (content.kind !== 'blank') return refuse(forming, deviceHolds(brick.device, describeContent(content)))
  if (device.busy.length > 0) return refuse(forming, deviceIsInUse(brick.device, device.busy))
  return format(brick, 'blank', content)
}

function planMounted(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  const forming = report(brick, 'forming')
  const { device, mounted, stamp, directories } = facts
  if (!mounted!.thisDevice) return refuse(forming, otherMountAt(brickMountPath(brick.device), mounted!.source))
  const content = device.present ? device.content : undefined
  if (content?.kind !== 'xfs' || content.uuid !== brick.uuid) {
    return refuse(forming, isMountedAndHolds(brick.device, content ? describeContent(content) : 'nothing'))
  }
  if (mounted!.readOnly) return refuse(forming, isMountedReadOnly(brick.device))
  if (mounted!.unreadable !== undefined)
    return refuse(forming, isMountedAndUnreadable(brick.device, mounted!.unreadable))
  // The directory is made after the stamp, so no format was cut short here: a repair of the file system may have lost
  // the stamp.
  if (stamp === undefined && directories.length > 0) return refuse(forming, hasNoStamp(brick.device, directories[0]!))
  // guard: stamped
  if (stamp === undefined) {
    const again = format(brick, 'own', content)
    if (again.refused !== undefined) return again
    return { ...again, steps: [{ kind: 'unmountBrick', brick }, ...again.steps] }
  }
  if (stamp !== brick.uuid) return refuse(forming, hasStampOf(brick.device, stamp))
  if (brick.spare !== undefined) {
    if (directories.length > 0) return refuse(forming, spareHasDirectory(brick.device, directories[0]!))
    return { steps: [], waitingFor: [], report: report(brick, 'ready') }
  }
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
    ...(brick.spare === undefined ? [{ kind: 'makeBrickDirectory', brick } as const] : []),
  ]
  return { steps, waitingFor: [], report: report(brick, 'forming') }
}

function planAbsent(brick: DesiredBrick, facts: BrickFacts): Plan<'brick'> {
  const leaving = report(brick, 'leaving')
  const { device, mounted, servedBy, wiping } = facts
  // A drive cannot be read while it is sanitized.
  if (wiping) return { steps: [], waitingFor: [], report: { ...leaving, wiping } }
  const wrong = whyNotTheDevice(device, brick)
  if (wrong !== undefined || !device.present) return refuse(leaving, wrong ?? 'absent')
  // It may still be blank, but mkfs is about to write the brick's uuid.
  if (facts.beingFormatted) return wait(leaving, formatToFinish(brick.device))
  const { content } = device
  const ours = content.kind === 'xfs' && content.uuid === brick.uuid
  if (content.kind === 'unreadable') return refuse(leaving, deviceIsUnreadable(brick.device, content.reason))
  // Somebody overwrote the disk under our mount: an operator has to look at it first.
  if (!ours && mounted?.thisDevice) return refuse(leaving, isMountedAndHolds(brick.device, describeContent(content)))
  // guard: only-own-wiped
  if (!ours) return { steps: [], waitingFor: [], report: report(brick, 'absent') }
  const steps: Step[] = []
  if (servedBy) steps.push({ kind: 'stopBrickProcess', brick, pid: servedBy.pid })
  if (mounted && !mounted.thisDevice) return refuse(leaving, otherMountAt(brickMountPath(brick.device), mounted.source))
  if (mounted) steps.push({ kind: 'unmountBrick', brick })
  else if (device.busy.length > 0) return wait(leaving, deviceToBeReleased(brick.device, device.busy))
  return { steps: [...steps, { kind: 'wipeBrick', brick }], waitingFor: [], report: leaving }
}

function report(brick: DesiredBrick, state: Report<'brick'>['state']): Report<'brick'> {
  // A buffer that gets a spare must not take the report on the spare for one on its brick.
  return { uuid: brick.uuid, directory: brick.spare === undefined ? brick.directory : '', state }
}

function refuse(report: Report<'brick'>, refused: string): Plan<'brick'> {
  return { steps: [], waitingFor: [], refused, report }
}

function wait(report: Report<'brick'>, reason: string): Plan<'brick'> {
  return { steps: [], waitingFor: [reason], report }
}
