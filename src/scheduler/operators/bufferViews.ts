import { eachDocument, sorted, type Work } from '../../daemon/slices.js'
import { viewsOf } from '../../model/access.js'
import type { BufferDetail, BufferView } from '../../model/api.js'
import { capacityOf, printSize } from '../../model/capacity.js'
import { hostKey, bufferKey, type Cluster, mountId } from '../../model/cluster.js'
import type { BufferDocument } from '../../model/documents/buffer.js'
import type { EventDocument } from '../../model/documents/event.js'
import { compareNames } from '../../model/names.js'
import { isReady, observedBrickOf, phaseOf, replacedBrickWait, sessionsUsing, volumeOf } from '../../model/phase.js'
import { mountpointOf } from '../desired/index.js'
import { shownStage, shownState } from './shownState.js'
import type { RateOf } from './transferRates.js'
import { transferViews } from './transferViews.js'

/** Each buffer as it is in its turn. */
export function* buffersView(cluster: Cluster): Work<BufferView[]> {
  const views = yield* eachDocument(cluster.buffers, (buffer) => bufferView(cluster, buffer))
  return yield* sorted(views, (a, b) => compareNames(a.name, b.name))
}

export function bufferDetail(
  cluster: Cluster,
  buffer: BufferDocument,
  timeline: EventDocument[],
  rateOf: RateOf,
): BufferDetail {
  const sessions = sessionsUsing(cluster, buffer)
  return {
    ...bufferView(cluster, buffer),
    gid: buffer.gid,
    sharedGid: buffer.sharedGid ?? null,
    requestedBytes: buffer.requestedBytes,
    access: buffer.swapBytes === undefined ? buffer.access : [...buffer.access, `swap ${printSize(buffer.swapBytes)}`],
    volume: buffer.volume,
    dataPlane: buffer.dataPlane ?? 'glusterd',
    tls: buffer.certifiedAt !== undefined,
    volumeState: shownStateOf(volumeOf(cluster, buffer)) ?? null,
    mountpoint: mountpointOf(buffer) ?? null,
    brickList: [
      ...buffer.bricks.map((brick) => {
        const observed = observedBrickOf(cluster, brick)
        const state = isReady(cluster, buffer, brick) ? 'ready' : (shownStateOf(observed) ?? 'not begun')
        return { host: brick.host, device: brick.device, state, problem: observed?.problem?.message ?? null }
      }),
      ...buffer.released.map((brick) => {
        const observed = observedBrickOf(cluster, brick)
        return {
          host: brick.host,
          device: brick.device,
          state: 'replaced',
          problem: observed?.problem?.message ?? replacedBrickWait(cluster, buffer) ?? null,
        }
      }),
    ],
    sessions: sessions.map(({ token, kind, stage, uid, computeHosts }) => ({
      token,
      kind,
      stage: shownStage(stage),
      uid,
      computeHosts,
    })),
    mounts: sessions.flatMap((session) =>
      session.computeHosts.flatMap((host) =>
        viewsOf(buffer).flatMap((view) => {
          const observed = cluster.observed.mount.get(hostKey(host, mountId(session.id, buffer.id, view)))
          if (!observed || observed.state === 'absent') return []
          return [
            {
              host,
              token: session.token,
              state: shownState(observed.state),
              problem: observed.problem?.message ?? null,
            },
          ]
        }),
      ),
    ),
    transfers: sessions.flatMap((session) => transferViews(cluster, session, bufferKey(cluster, buffer), rateOf)),
    timeline: timeline.map(({ at, text }) => ({ at, text })),
  }
}

function bufferView(cluster: Cluster, buffer: BufferDocument): BufferView {
  const { phase, waitingFor, reason } = phaseOf(cluster, buffer)
  return {
    name: bufferKey(cluster, buffer),
    id: buffer.id,
    kind: buffer.kind,
    uid: buffer.uid,
    pool: buffer.pool,
    sizeBytes: capacityOf(buffer),
    bricks: buffer.bricks.length,
    phase,
    waitingFor,
    reason: reason ?? null,
    createdAt: buffer.createdAt,
  }
}

function shownStateOf(observed: { state: string } | undefined): string | undefined {
  return observed && shownState(observed.state)
}
