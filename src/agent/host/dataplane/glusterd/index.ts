import type { DesiredPeer } from '../../../../model/documents/peer.js'
import type { GlusterfsVolume } from '../../../../model/documents/volume.js'
import type { Effects, GlusterfsVolumeFacts, PeerFacts } from '../../../port/host.js'
import { CommandError } from '../../exec/run.js'
import type { DataPlane, DataPlaneOptions } from '../dataPlane.js'
import { client } from './client.js'
import { glusterThrough } from './command.js'
import { makeDirectories, takeOff } from './directories.js'
import * as volumes from './gluster.js'

export interface Glusterd extends DataPlane {
  observe: {
    /** What glusterd says of the volume. Facts with `unavailable` say why it cannot be seen. Throws Busy. */
    volume(volume: GlusterfsVolume): Promise<GlusterfsVolumeFacts>
    /** Whether that host is in the trusted pool of this one. Facts with `unavailable` say why it cannot be seen. Throws Busy. */
    peer(peer: DesiredPeer): Promise<PeerFacts>
  }
  effects: Pick<
    Effects,
    | 'createVolume'
    | 'setVolumeOptions'
    | 'startVolume'
    | 'makeDirectories'
    | 'stopVolume'
    | 'deleteVolume'
    | 'probePeer'
  >
}

/** GlusterFS, by the command `gluster` and the processes that glusterd starts. */
export function glusterd({ name, run, runPlane = run, warn }: DataPlaneOptions): Glusterd {
  const gluster = glusterThrough(runPlane)
  return {
    versions: async () => {
      const version = await volumes.glusterVersion(gluster.run).catch((error: unknown) => {
        // A host of the other plane alone has no such program.
        if (!isNotInstalled(error)) warn('gluster cannot be run', { reason: String(error) })
        return undefined
      })
      return version === undefined ? {} : ({ glusterfs: version } as Record<string, string>)
    },
    survey: () =>
      volumes.volumeNames(gluster).then(
        (names) => ({ volumes: names }),
        () => ({}),
      ),
    observe: {
      volume: (volume) => volumes.volumeFacts(gluster, name, volume),
      peer: ({ peer }) => volumes.peerFacts(gluster, peer),
    },
    effects: {
      createVolume: ({ volume }) => volumes.createVolume(gluster, volume),
      setVolumeOptions: ({ volume, options }) => volumes.setVolumeOptions(gluster, volume.volume, options),
      startVolume: ({ volume, force }) => volumes.startVolume(gluster, volume.volume, force),
      makeDirectories: ({ volume }) => makeDirectories(volume, run),
      stopVolume: async ({ volume }) => {
        await takeOff(volume, run)
        await volumes.stopVolume(gluster, volume)
      },
      deleteVolume: ({ volume }) => volumes.deleteVolume(gluster, volume),
      probePeer: ({ peer }) => volumes.probePeer(gluster, peer.peer),
    },
    whyHeld: (mountPath) => volumes.volumeHolding(gluster, name, mountPath),
    requireAllBricksOnline: ({ volume, bricks }) => volumes.requireAllBricksOnline(gluster, volume, bricks),
    brickServer: { program: 'glusterfsd', brickOf: (words) => words[words.indexOf('--brick-name') + 1] },
    client: client(run),
  }
}

function isNotInstalled(error: unknown): boolean {
  return error instanceof CommandError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
