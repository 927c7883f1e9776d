import type { DirectVolume } from '../../../../model/documents/volume.js'
import { fingerprintOf } from '../../../../model/fingerprint.js'
import type { DirectBrickFacts, DirectVolumeFacts } from '../../../port/host.js'
import type { Step, StepArgs } from '../../../port/steps.js'
import type { Plan, Report } from '../../../port/plan.js'

/*
 * This host's bricks of a volume, wanted started: brick ready → exports made → clients admitted → process started on its
 * port → it answers with the login. A process that was started with something else, as before its exports changed, is ended and
 * started again: the scheduler changes them only while nobody has the volume mounted. So is one that hangs, of which nobody has
 * anything; one that merely does not answer is left alone.
 *
 * Wanted absent: processes ended → ports closed → absent. The bricks are unmounted and wiped by their own documents.
 */
export function planDirectVolume(volume: DirectVolume, facts: DirectVolumeFacts): Plan<'volume'> {
  const isLeaving = volume.wanted === 'absent'
  if (facts.unavailable !== undefined) {
    const state = isLeaving ? 'leaving' : 'forming'
    return { steps: [], waitingFor: [facts.unavailable], report: reportOf(volume, state, facts) }
  }
  return isLeaving ? planAbsent(volume, facts) : planStarted(volume, facts)
}

function planStarted(volume: DirectVolume, facts: DirectVolumeFacts): Plan<'volume'> {
  const { isNotValid } = facts
  const waitingFor = isNotValid === undefined ? [] : [isNotValid]
  // guard: brick-mounted
  const canServe = facts.bricks.filter((brick) => brick.isReady && !brick.isPortTaken)
  // What could not be started again is left as it is.
  const hung = isNotValid === undefined ? canServe.flatMap(hanging) : []
  const steps: Step[] = stopsOf(volume, [...facts.others, ...canServe.flatMap(outdated), ...hung])
  const isAnyReady = facts.bricks.some((brick) => brick.isReady)
  const areMade = volume.exports.every(({ directory }) => facts.directories.includes(directory))
  // guard: exports-made
  if (isAnyReady && !areMade) steps.push({ kind: 'makeExports', volume })
  // A port that a brick does not have any more leaves the fence once nobody listens on it.
  // guard: fenced-first
  if (!facts.isFenced) steps.push({ kind: 'admitClients', volume })
  // Clients come and go all the same: who is to leave leaves.
  if (isNotValid === undefined) {
    for (const { device, process, hangs } of canServe)
      if (!process?.isCurrent || hangs) steps.push({ kind: 'startBrick', volume, device })
    if (facts.haveOldCertificates) steps.push({ kind: 'renewCertificates', volume })
  }
  for (const brick of facts.bricks) {
    if (!brick.isReady) waitingFor.push(`brick ${brick.device} to be mounted`)
    else if (brick.isPortTaken) waitingFor.push(`port ${portOf(volume, brick)} to be free`)
    const isToAnswer = brick.process?.isCurrent && isNotValid === undefined
    if (isToAnswer && !brick.answers && !(brick.hangs && brick.isReady))
      waitingFor.push(`brick ${brick.device} to answer`)
  }
  return { steps, waitingFor, report: startedReport(volume, facts, areMade) }
}

type ProcessToStop = Pick<StepArgs['stopBrick'], 'device' | 'pid' | 'hangs'>

function outdated({ device, process }: DirectBrickFacts): ProcessToStop[] {
  // guard: outdated-ended
  return process && !process.isCurrent ? [{ device, pid: process.pid }] : []
}

function hanging({ device, process, answers, hangs }: DirectBrickFacts): ProcessToStop[] {
  // guard: hung-only
  return process?.isCurrent && !answers && hangs ? [{ device, pid: process.pid, hangs: true }] : []
}

function stopsOf(volume: DirectVolume, processes: readonly ProcessToStop[]): Step[] {
  return processes.map((each) => ({ kind: 'stopBrick', volume, ...each }))
}

function startedReport(volume: DirectVolume, facts: DirectVolumeFacts, areMade: boolean): Report<'volume'> {
  const serving = facts.bricks.filter(isServing)
  const offline = facts.bricks.filter((brick) => !isServing(brick)).map(({ path }) => path)
  const taken = facts.bricks.filter(({ isPortTaken }) => isPortTaken).map((brick) => portOf(volume, brick))
  const isWhole = offline.length === 0 && facts.isFenced && facts.others.length === 0 && areMade
  const brickBytes = facts.bricks.flatMap(({ totalBytes = [] }) => totalBytes)
  const partly = serving.length > 0 ? 'degraded' : 'forming'
  return {
    ...reportOf(volume, isWhole ? 'started' : partly, facts),
    offline,
    directories: facts.directories,
    // Whoever reads this knows by it that all that the document says is so, and not only what an earlier one said.
    ...(isWhole ? { allow: fingerprintOf(volume), sessionsLetIn: volume.sessionsLetIn, brickBytes } : {}),
    ...(taken.length === 0 ? {} : { takenPorts: taken }),
  }
}

function planAbsent(volume: DirectVolume, facts: DirectVolumeFacts): Plan<'volume'> {
  const running = facts.bricks.flatMap(({ device, process }) => (process ? [{ device, pid: process.pid }] : []))
  const stops = stopsOf(volume, [...running, ...facts.others])
  const close: Step[] = stops.length > 0 || facts.isLeft ? [{ kind: 'closePorts', volume }] : []
  // guard: ended-first
  const steps = [...stops, ...close]
  if (steps.length > 0) return { steps, waitingFor: [], report: reportOf(volume, 'leaving', facts) }
  // It is so for the bricks of this document, and says nothing of one that is placed here later.
  return { steps, waitingFor: [], report: { ...reportOf(volume, 'absent', facts), allow: fingerprintOf(volume) } }
}

function isServing({ process, answers }: DirectBrickFacts): boolean {
  return process?.isCurrent === true && answers
}

function portOf({ bricks }: DirectVolume, { device }: DirectBrickFacts): number {
  return bricks.find((brick) => brick.device === device)!.port
}

function reportOf(
  { buffer }: DirectVolume,
  state: Report<'volume'>['state'],
  { boots }: DirectVolumeFacts,
): Report<'volume'> {
  return { bufferId: buffer.id, state, offline: [], ...(boots === undefined ? {} : { boots }) }
}
