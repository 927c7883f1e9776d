import type { DesiredRecord } from '../../src/model/desiredRecord.js'
import { brickMountPath } from '../../src/model/cluster.js'
import type { DesiredAdopt } from '../../src/model/documents/adopt.js'
import type { DesiredBrick } from '../../src/model/documents/brick.js'
import type { DesiredMount } from '../../src/model/documents/mount.js'
import type { DesiredPeer } from '../../src/model/documents/peer.js'
import type { DesiredSwap } from '../../src/model/documents/swap.js'
import type { DesiredTransfer } from '../../src/model/documents/transfer.js'
import type { DirectVolume, GlusterfsVolume } from '../../src/model/documents/volume.js'
import type {
  BrickFacts,
  DeviceContent,
  DeviceFacts,
  MountFacts,
  SwapFacts,
  GlusterfsVolumeFacts,
} from '../../src/agent/port/host.js'
import { alice, aUuid, terabyte } from './builders.js'

export function aDesiredBrick(parts: Partial<DesiredBrick> = {}): DesiredBrick {
  return {
    v: 1,
    fence: 1,
    kind: 'brick',
    buffer: { id: 10, name: '3' },
    device: 'nvme1n1',
    identity: 'serial:S1',
    sizeBytes: terabyte,
    uuid: aUuid(1),
    directory: 'brick',
    ...alice,
    mode: 0o700,
    wanted: 'present',
    ...parts,
  }
}

export function aDesiredVolume(parts: Partial<GlusterfsVolume> = {}): GlusterfsVolume {
  return {
    v: 1,
    fence: 1,
    kind: 'volume',
    buffer: { id: 10, name: '3' },
    volume: '3',
    bricks: ['gluster1', 'gluster2'].map((host) => ({ host, path: `${brickMountPath('nvme1n1')}/brick` })),
    options: { 'network.ping-timeout': '10' },
    wanted: 'started',
    ...parts,
  }
}

export function aDirectVolume(parts: Partial<DirectVolume> = {}): DirectVolume {
  const login = (user: string) => ({ user, password: user.padEnd(43, 'x') })
  return {
    v: 1,
    fence: 1,
    kind: 'volume',
    buffer: { id: 10, name: '3' },
    type: 'direct',
    volume: '3',
    bricks: [1, 2].map((n) => ({ device: `nvme${n}n1`, uuid: aUuid(n), port: 28_999 + n })),
    directory: 'brick',
    exports: [
      { name: 'striped', directory: '/striped', ...alice, mode: 0o700, login: login('s') },
      { name: 'private-c1', directory: '/private/c1', ...alice, mode: 0o700, login: login('p') },
    ],
    clients: ['gluster1', 'c1'],
    sessionsLetIn: [],
    wanted: 'started',
    ...parts,
  }
}

export function aDesiredMount(parts: Partial<DesiredMount> = {}): DesiredMount {
  return {
    v: 1,
    fence: 1,
    kind: 'mount',
    session: { id: 20, token: '3' },
    buffer: { id: 10, name: '3' },
    volume: '3',
    servers: ['gluster1', 'gluster2'],
    path: '/mnt/burstbuffer/3.20/striped',
    wanted: 'present',
    ...parts,
  }
}

/** The swap of job 3 on c1. */
export function aDesiredSwap(parts: Partial<DesiredSwap> = {}): DesiredSwap {
  return {
    v: 1,
    fence: 1,
    kind: 'swap',
    session: { id: 20, token: '3' },
    buffer: { id: 10, name: '3' },
    volume: '3',
    directory: '/swap/c1',
    path: '/mnt/burstbuffer/3.20/swap',
    sizeBytes: 64 * 1024 ** 2,
    priority: 0,
    wanted: 'on',
    ...parts,
  }
}

/** Mounted, and nothing made yet. */
export function swapFacts(parts: Partial<SwapFacts> = {}): SwapFacts {
  return { mustEncrypt: true, isMounted: true, files: [], loops: [], ...parts }
}

export function aDesiredPeer(parts: Partial<DesiredPeer> = {}): DesiredPeer {
  return { v: 1, fence: 1, kind: 'peer', peer: 'gluster2', ...parts }
}

export function aDesiredAdopt(parts: Partial<DesiredAdopt> = {}): DesiredAdopt {
  return {
    v: 1,
    fence: 1,
    kind: 'adopt',
    device: 'nvme1n1',
    identity: 'serial:S1',
    sizeBytes: terabyte,
    expected: 'a signature of ext4',
    who: 'root',
    until: 1_600,
    ...parts,
  }
}

/** The plan of the first transfer of job 3: a file into its buffer. */
export function aDesiredTransfer(parts: Partial<DesiredTransfer> = {}): DesiredTransfer {
  return {
    v: 1,
    fence: 1,
    kind: 'transfer',
    session: { id: 20, token: '3' },
    buffer: { id: 10, name: '3' },
    transfer: 1,
    attempt: 1,
    direction: 'in',
    type: 'file',
    inside: 'a',
    outside: '/lustre/alice/a',
    variable: 'DW_JOB_STRIPED',
    verify: false,
    volume: '3',
    servers: ['gluster1', 'gluster2'],
    directory: '/',
    ...alice,
    part: 'plan',
    share: { index: 0, of: 2 },
    bricks: 2,
    wanted: 'done',
    ...parts,
  }
}

export type PresentDevice = DeviceFacts & { present: true }

/** The device of `aDesiredBrick`, blank and used by nobody. */
export function aDeviceSeen(parts: Partial<PresentDevice> = {}): PresentDevice {
  return {
    present: true,
    identity: 'serial:S1',
    sizeBytes: terabyte,
    content: { kind: 'blank' },
    partitions: [],
    busy: [],
    ...parts,
  }
}

/** The XFS of `aDesiredBrick`. */
export function ownXfs(parts: Partial<DeviceContent & { kind: 'xfs' }> = {}): DeviceContent {
  return { kind: 'xfs', uuid: aUuid(1), label: 'bb-000000000', inProgress: false, ...parts }
}

export function brickFacts(parts: Partial<BrickFacts> = {}): BrickFacts {
  return { device: aDeviceSeen(), directories: [], ...parts }
}

/** `aDesiredBrick` as it should be: formatted, mounted, stamped, its directory made. */
export function readyBrick(parts: Partial<BrickFacts> = {}): BrickFacts {
  return {
    device: aDeviceSeen({ content: ownXfs() }),
    mounted: { thisDevice: true, readOnly: false, source: '/dev/nvme1n1' },
    stamp: aUuid(1),
    directories: ['brick'],
    ...parts,
  }
}

export function volumeFacts(parts: Partial<GlusterfsVolumeFacts> = {}): GlusterfsVolumeFacts {
  const connectedPeers = ['gluster1', 'gluster2']
  return { exists: false, bricks: [], options: {}, directories: [], offline: [], connectedPeers, ...parts }
}

/** `aDesiredVolume` as it should be: started, with its options, every brick online. */
export function startedVolume(parts: Partial<GlusterfsVolumeFacts> = {}): GlusterfsVolumeFacts {
  const { bricks, options } = aDesiredVolume()
  return volumeFacts({
    exists: true,
    status: 'started',
    bricks: bricks.map(({ host, path }) => `${host}:${path}`),
    options,
    ...parts,
  })
}

export function mountFacts(parts: Partial<MountFacts> = {}): MountFacts {
  return { alive: false, ...parts }
}

/** The volume of glusterd's among records for a buffer's hosts; an Error when there is none. */
export function glusterfsVolumeIn(records: readonly DesiredRecord[]): Omit<GlusterfsVolume, 'fence'> {
  for (const { document } of records)
    if (document.kind === 'volume' && document.type !== 'direct') return document as Omit<GlusterfsVolume, 'fence'>
  throw new Error('no volume of glusterd is wanted')
}
