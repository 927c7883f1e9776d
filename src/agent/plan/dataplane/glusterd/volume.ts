import type { GlusterfsVolume } from '../../../../model/documents/volume.js'
import type { GlusterfsVolumeFacts } from '../../../port/host.js'
import type { Step } from '../../../port/steps.js'
import type { Plan, Report } from '../../../port/plan.js'

/** glusterd takes one transaction at a time; a few at once keep it busy without a pile of refusals. */
export const volumeStepsAtOnce = 4

/*
 * A volume, wanted started: every host connected → created → options set → started → every brick online. A volume of that
 * name with other bricks is somebody else's: it is left alone, whatever is wanted.
 *
 * Wanted absent: stopped → deleted → absent.
 */
export function planGlusterfsVolume(volume: GlusterfsVolume, facts: GlusterfsVolumeFacts): Plan<'volume'> {
  if (facts.unavailable !== undefined) {
    const state = volume.wanted === 'absent' ? 'leaving' : 'forming'
    return { steps: [], waitingFor: [facts.unavailable], report: report(volume, state) }
  }
  if (facts.exists && !sameBricks(volume, facts)) {
    // Nothing of ours has that name, so for one that is wanted absent there is nothing left to do.
    if (volume.wanted === 'absent') return { steps: [], waitingFor: [], report: report(volume, 'absent') }
    const refused = `gluster has another volume ${volume.volume} with the bricks ${facts.bricks.join(', ')}`
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
      return { steps, waitingFor: missing.map((host) => `gluster peer ${host} to connect`), report: forming }
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
      waitingFor: facts.offline.map((brick) => `brick ${brick} to come online`),
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
  // Said apart, because a dead peer keeps the record from being deleted, and the bricks need not wait for that.
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
