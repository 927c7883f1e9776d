import type { GlusterfsVolume } from '../../../../model/documents/volume.js'
import type { GlusterfsVolumeFacts } from '../../../port/host.js'
import type { Step } from '../../../port/steps.js'
import type { Plan, Report } from '../../../port/plan.js'
import { anotherVolume, brickToComeOnline, peerToConnect, volumeToBeDeleted } from './messages.js'

/** glusterd runs one transaction at a time; a few steps at once keep it busy without many refusals. */
export const volumeStepsAtOnce = 4

/*
 * A volume, wanted started: every host connected → created → options set → started → every brick online. A volume with
 * that name and other bricks is not ours, and is left alone, whatever is wanted.
 *
 * Wanted absent: stopped → deleted → absent.
 */
export function planGlusterfsVolume(volume: GlusterfsVolume, facts: GlusterfsVolumeFacts): Plan<'volume'> {
  if (facts.unavailable !== undefined) {
    const { unavailable } = facts
    if (volume.wanted === 'started') return { steps: [], waitingFor: [unavailable], report: report(volume, 'forming') }
    return { steps: [], waitingFor: [volumeToBeDeleted(unavailable)], report: report(volume, 'leaving') }
  }
  if (facts.exists && !sameBricks(volume, facts)) {
    // No volume of ours has that name, so ours is absent.
    if (volume.wanted === 'absent') return { steps: [], waitingFor: [], report: report(volume, 'absent') }
    const refused = anotherVolume(volume.volume, facts.bricks)
    return { steps: [], waitingFor: [], refused, report: report(volume, 'forming') }
  }
  return volume.wanted === 'started' ? planStarted(volume, facts) : planAbsent(volume, facts)
}

function planStarted(volume: GlusterfsVolume, facts: GlusterfsVolumeFacts): Plan<'volume'> {
  const forming = report(volume, 'forming')
  const steps: Step[] = []
  if (!facts.exists) {
    const missing = [...new Set(volume.bricks.map((brick) => brick.host))].filter(
      (host) => !facts.connectedPeers.includes(host),
    )
    if (missing.length > 0) {
      return { steps, waitingFor: missing.map(peerToConnect), report: forming }
    }
    steps.push({ kind: 'createVolume', volume })
  }
  const options = Object.fromEntries(
    Object.entries(volume.options).filter(([name, value]) => facts.options[name] !== value),
  )
  if (Object.keys(options).length > 0) steps.push({ kind: 'setVolumeOptions', volume, options })
  if (facts.status !== 'started')
    return { steps: [...steps, { kind: 'startVolume', volume, force: false }], waitingFor: [], report: forming }
  const seen = whatClientsWaitFor(volume, facts)
  if (facts.offline.length > 0) {
    return {
      steps: [...steps, { kind: 'startVolume', volume, force: true }],
      waitingFor: facts.offline.map(brickToComeOnline),
      report: { ...report(volume, 'degraded'), ...seen, offline: facts.offline },
    }
  }
  const isMissing = (volume.directories ?? []).some(({ path }) => !facts.directories.includes(path))
  if (isMissing) steps.push({ kind: 'makeDirectories', volume })
  return { steps, waitingFor: [], report: { ...report(volume, 'started'), ...seen } }
}

function planAbsent(volume: GlusterfsVolume, facts: GlusterfsVolumeFacts): Plan<'volume'> {
  if (!facts.exists) return { steps: [], waitingFor: [], report: report(volume, 'absent') }
  const leaving = report(volume, 'leaving')
  const remove: Step = { kind: 'deleteVolume', volume }
  if (facts.status === 'started') {
    return { steps: [{ kind: 'stopVolume', volume }, remove], waitingFor: [], report: leaving }
  }
  // Reported, because a dead peer keeps the record from being deleted, and the bricks need not wait for that.
  return { steps: [remove], waitingFor: [], report: { ...leaving, stopped: true } }
}

function whatClientsWaitFor(
  { directories, boots }: GlusterfsVolume,
  facts: GlusterfsVolumeFacts,
): Partial<Report<'volume'>> {
  const allow = facts.options['auth.allow']
  return {
    ...(allow === undefined ? {} : { allow }),
    ...(directories === undefined ? {} : { directories: facts.directories }),
    ...(boots === undefined ? {} : { boots }),
  }
}

function sameBricks(volume: GlusterfsVolume, facts: GlusterfsVolumeFacts): boolean {
  const wanted = volume.bricks.map((brick) => `${brick.host}:${brick.path}`)
  return wanted.length === facts.bricks.length && wanted.every((brick, index) => brick === facts.bricks[index])
}

function report(volume: GlusterfsVolume, state: Report<'volume'>['state']): Report<'volume'> {
  return { bufferId: volume.buffer.id, state, offline: [] }
}
