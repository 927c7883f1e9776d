import { volumeDirectories, type VolumeDirectory } from '../../../model/access.js'
import { bootsOf, sessionsUsing, volumeBricks } from '../../../model/buffers.js'
import type { Cluster } from '../../../model/cluster.js'
import type { DesiredRecord } from '../../../model/desiredRecord.js'
import type { BufferDocument } from '../../../model/documents/buffer.js'
import { transfersOf } from '../../../model/transfers.js'
import { primaryOf } from '../../../model/volumes.js'
import type { WantedVolume } from '../common/dataPlane.js'
import { allowedClients } from './authAllow.js'

/** What every volume is set to. */
export const always = {
  // A brick that hangs stalls every `ls` for as long; GlusterFS's own 42 seconds are too many.
  'network.ping-timeout': '10',
  // A rename onto one of a file's names leaves the brick's note of that name, and later it cannot be given to the file again.
  'storage.gfid2path': 'off',
  // A brick makes one name at a time: of two clients that open it with O_CREAT at once, one is told EEXIST otherwise (10.3).
  'performance.normal-prio-threads': '1',
}

/** The volume, and those that were begun before it and must go: each told to one host. */
export function desiredVolumes(
  cluster: Cluster,
  buffer: BufferDocument,
  { name, wanted, settings }: WantedVolume,
): DesiredRecord[] {
  const options = { ...always, 'auth.allow': allowedClients(cluster, buffer, settings) }
  const directories = directoriesOf(cluster, buffer)
  const boots = bootsOf(cluster, buffer)
  const recordOf = (
    volume: string,
    bricks: { host: string; path: string }[],
    wanted: 'started' | 'absent',
  ): DesiredRecord => ({
    host: primaryOf(cluster, buffer, volume),
    kind: 'volume',
    id: volume,
    document: {
      v: 1,
      kind: 'volume',
      buffer: { id: buffer.id, name },
      volume,
      bricks,
      type: 'glusterfs',
      options,
      ...(directories.length > 0 && wanted === 'started' ? { directories } : {}),
      ...(Object.keys(boots).length > 0 && wanted === 'started' ? { boots } : {}),
      wanted,
    },
  })
  const former = buffer.formerVolumes.map(({ volume, bricks }) => recordOf(volume, bricks, 'absent'))
  return wanted ? [...former, recordOf(buffer.volume, volumeBricks(buffer), wanted)] : former
}

/** For hosts where jobs have the buffer now; what was made for hosts of the past stays in it. */
function directoriesOf(cluster: Cluster, buffer: BufferDocument): VolumeDirectory[] {
  const sessions = sessionsUsing(cluster, buffer)
  const running = sessions.filter(({ stage }) => stage === 'running')
  return volumeDirectories(buffer, {
    hosts: running.flatMap(({ computeHosts }) => computeHosts),
    hasTemplate:
      buffer.access.includes('private') && sessions.some((session) => transfersOf(session, 'fill').length > 0),
  })
}
