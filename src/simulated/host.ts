import type { Clock } from '../daemon/clock.js'
import { type Host, type MountFacts, Refusal } from '../agent/port/host.js'
import { describeContent } from '../agent/plan/device.js'
import { hasPartitions, isInUse, isUnreadable } from '../agent/plan/messages.js'
import { LongWipes } from '../agent/host/disk/longWipes.js'
import { isOurLabel } from '../agent/host/disk/xfs.js'
import type { DesiredKind } from '../model/documents/desired.js'
import type { InventoryDevice } from '../model/documents/inventory.js'
import type { DesiredMount } from '../model/documents/mount.js'
import type { Step, StepArgs } from '../agent/port/steps.js'
import * as bricks from './bricks.js'
import * as direct from './direct.js'
import type { SimulatedGluster } from './gluster.js'
import { bootOf, type SimulatedMachine } from './machine.js'
import type { Pace } from './pace.js'
import * as transfers from './transfers.js'
import * as swaps from './swaps.js'

export interface SimulatedHostParts {
  machine: SimulatedMachine
  gluster: SimulatedGluster
  pace: Pace
  clock: Pick<Clock, 'unixSeconds'>
}

/**
 * A simulated machine behind the interface of a real one. The state belongs to the machine and to gluster; this object has only
 * what a real host also loses when its agent ends.
 */
export function simulatedHost({ machine, gluster, pace, clock }: SimulatedHostParts): Host {
  const { name } = machine
  const longWipes = new LongWipes()
  const left = leftovers()
  const look = <T>(kind: DesiredKind | 'discover', act: () => T) => pace.look(name, kind, act)
  const effect = (step: Step, ...acts: (() => void)[]) => pace.effect(name, step, acts)
  return {
    name,
    boot: bootOf(machine),
    versions: () => Promise.resolve({ kernel: 'simulated', glusterfs: 'simulated' }),
    discover: () => look('discover', () => ({ devices: discover(machine), problems: [] })),
    observe: {
      brick: (brick) =>
        look('brick', () => {
          const wiping = longWipes.progressOf(brick.uuid)
          return { ...bricks.brickFacts(machine, brick), ...(wiping ? { wiping } : {}) }
        }),
      volume: (volume) =>
        look('volume', () =>
          volume.type === 'direct' ? direct.volumeFacts(machine, volume) : gluster.volumeFacts(name, volume),
        ),
      mount: (mount) => look('mount', () => ({ ...mountFacts(machine, gluster, mount), ...left.facts(mount) })),
      peer: ({ peer }) => look('peer', () => gluster.peerFacts(name, peer)),
      transfer: (transfer) => look('transfer', () => transfers.transferFacts(machine, transfer)),
      swap: (swap) => look('swap', () => swaps.swapFacts(machine, swap)),
      adopt: ({ device }) =>
        look('adopt', () => ({ device: bricks.deviceFacts(machine, device), now: clock.unixSeconds() })),
    },
    effects: {
      formatBrick: (args) => effect({ kind: 'formatBrick', ...args }, ...bricks.format(machine, args.brick, args.over)),
      mountBrick: (args) => effect({ kind: 'mountBrick', ...args }, bricks.mount(machine, args.brick)),
      stampBrick: (args) => effect({ kind: 'stampBrick', ...args }, bricks.stamp(machine, args.brick)),
      makeBrickDirectory: (args) =>
        effect({ kind: 'makeBrickDirectory', ...args }, bricks.makeDirectory(machine, args.brick)),
      stopBrickProcess: (args) =>
        effect({ kind: 'stopBrickProcess', ...args }, bricks.stopProcess(machine, args.brick, args.pid)),
      unmountBrick: (args) => effect({ kind: 'unmountBrick', ...args }, bricks.unmount(machine, args.brick)),
      wipeBrick: async (args) => {
        const { brick } = args
        const wipe = (what: 'between' | 'ends') =>
          effect({ kind: 'wipeBrick', ...args }, bricks.wipe(machine, brick, what))
        const overwrite = () => wipe('between').then(() => 'all but the ends' as const)
        if (brick.wipe && !longWipes.isErasedOrBegins(brick.uuid, brick.sizeBytes, overwrite)) return
        await wipe('ends')
        longWipes.forget(brick.uuid)
      },
      makeExports: (args) => effect({ kind: 'makeExports', ...args }, direct.makeExports(machine, args.volume)),
      admitClients: (args) => effect({ kind: 'admitClients', ...args }, direct.admitClients(machine, args.volume)),
      startBrick: (args) =>
        effect({ kind: 'startBrick', ...args }, direct.startBrick(machine, args.volume, args.device)),
      renewCertificates: (args) =>
        effect({ kind: 'renewCertificates', ...args }, direct.renewCertificates(machine, args.volume)),
      stopBrick: (args) => effect({ kind: 'stopBrick', ...args }, direct.stopBrick(machine, args.device, args.pid)),
      closePorts: (args) => effect({ kind: 'closePorts', ...args }, direct.closePorts(machine, args.volume)),
      createVolume: (args) => effect({ kind: 'createVolume', ...args }, ...gluster.create(name, args.volume)),
      setVolumeOptions: (args) =>
        effect({ kind: 'setVolumeOptions', ...args }, () => gluster.setOptions(name, args.volume.volume, args.options)),
      startVolume: (args) => effect({ kind: 'startVolume', ...args }, () => gluster.start(name, args.volume.volume)),
      makeDirectories: (args) =>
        effect({ kind: 'makeDirectories', ...args }, () => gluster.makeDirectories(name, args.volume)),
      stopVolume: (args) => effect({ kind: 'stopVolume', ...args }, () => gluster.stop(name, args.volume)),
      deleteVolume: (args) => effect({ kind: 'deleteVolume', ...args }, () => gluster.remove(name, args.volume)),
      probePeer: (args) => effect({ kind: 'probePeer', ...args }, () => gluster.probe(name, args.peer.peer)),
      mountBuffer: (args) => effect({ kind: 'mountBuffer', ...args }, () => mountBuffer(machine, gluster, args.mount)),
      renewCertificate: (args) =>
        effect({ kind: 'renewCertificate', ...args }, () => direct.renewCertificate(machine, args.mount)),
      unmountBuffer: (args) =>
        effect({ kind: 'unmountBuffer', ...args }, () => left.unmountBuffer(machine, args.mount)),
      signalMountUsers: (args) => effect({ kind: 'signalMountUsers', ...args }, () => signalUsers(machine, args)),
      unmountBelow: (args) => effect({ kind: 'unmountBelow', ...args }),
      allocateSwap: (args) => effect({ kind: 'allocateSwap', ...args }, ...swaps.allocate(machine, args.swap)),
      attachSwap: (args) => effect({ kind: 'attachSwap', ...args }, () => swaps.attach(machine, args.swap)),
      encryptSwap: (args) => effect({ kind: 'encryptSwap', ...args }, () => swaps.encrypt(machine, args.swap)),
      enableSwap: (args) => effect({ kind: 'enableSwap', ...args }, () => swaps.enable(machine, args.swap)),
      disableSwap: (args) => effect({ kind: 'disableSwap', ...args }, () => swaps.disable(machine, args.swap)),
      closeSwap: (args) => effect({ kind: 'closeSwap', ...args }, () => swaps.close(machine, args.swap)),
      detachSwap: (args) => effect({ kind: 'detachSwap', ...args }, () => swaps.detach(machine, args.swap)),
      removeSwap: (args) => effect({ kind: 'removeSwap', ...args }, () => swaps.remove(machine, args.swap)),
      adoptDevice: (args) =>
        effect(
          { kind: 'adoptDevice', ...args },
          bricks.adopt(machine, args.adopt, () => clock.unixSeconds()),
        ),
      mountTransfer: (args) =>
        effect({ kind: 'mountTransfer', ...args }, () => transfers.mountTransfer(machine, gluster, args.transfer)),
      scanTransfer: (args) =>
        effect({ kind: 'scanTransfer', ...args }, () => transfers.doTransfer(machine, gluster, args.transfer)),
      copyTransfer: (args) =>
        effect({ kind: 'copyTransfer', ...args }, () => transfers.doTransfer(machine, gluster, args.transfer)),
      finishTransfer: (args) =>
        effect({ kind: 'finishTransfer', ...args }, () => transfers.doTransfer(machine, gluster, args.transfer)),
      stopTransfer: (args) => effect({ kind: 'stopTransfer', ...args }),
      // No part of a simulated transfer takes long enough for it.
      renewTransferCertificate: (args) => effect({ kind: 'renewTransferCertificate', ...args }, () => {}),
      endTransfer: (args) =>
        effect({ kind: 'endTransfer', ...args }, () => transfers.endTransfer(machine, args.transfer)),
    },
  }
}

function mountFacts(machine: SimulatedMachine, gluster: SimulatedGluster, mount: DesiredMount): MountFacts {
  const { path } = mount
  const client = machine.clients.get(path)
  if (!client) return { alive: false }
  const { server, volume, directory, isDead, export: name } = client
  const source = name === undefined ? `${server}:/${volume}${directory}` : `glusterfs:${volume}.${name}`
  return {
    mounted: { source, type: 'fuse.glusterfs' },
    alive: !isDead && (name !== undefined || gluster.volumes.get(volume)?.status === 'started'),
    ...(direct.hasOldCertificate(machine, mount) ? { hasOldCertificate: true as const } : {}),
    ...(machine.swaps.get(path)?.isAttached ? { loops: ['/dev/loop0'] } : {}),
  }
}

/** Numbers of attempts, where a real host counts seconds. Each agent starts counting again. */
const [triesToTell, triesToKill, triesToGiveUp] = [1, 2, 4]

function leftovers() {
  const refused = new Map<string, number>()
  return {
    facts({ path, wanted }: DesiredMount): Pick<MountFacts, 'leftovers'> {
      if (wanted === 'present') refused.delete(path)
      const tries = refused.get(path) ?? 0
      if (tries < triesToTell) return {}
      return { leftovers: { signal: tries < triesToKill ? 'SIGTERM' : 'SIGKILL', below: [] } }
    },
    /** The kernel does not unmount a file system with an open loop device or process. */
    unmountBuffer(machine: SimulatedMachine, { path, wanted }: DesiredMount): void {
      const message = `${path} cannot be unmounted: target is busy`
      if (machine.swaps.get(path)?.isAttached) throw new Error(message)
      if (machine.clients.get(path)?.usedBy) {
        const tries = (refused.get(path) ?? 0) + 1
        if (wanted === 'absent') refused.set(path, tries)
        throw wanted === 'absent' && tries >= triesToGiveUp ? new Refusal(message) : new Error(message)
      }
      refused.delete(path)
      machine.clients.delete(path)
    },
  }
}

/** Processes of users ignore SIGTERM; those of root get no signal. */
function signalUsers(machine: SimulatedMachine, { mount, signal }: StepArgs['signalMountUsers']): void {
  const client = machine.clients.get(mount.path)
  if (client?.usedBy === 'user' && signal === 'SIGKILL') delete client.usedBy
}

function mountBuffer(machine: SimulatedMachine, gluster: SimulatedGluster, mount: DesiredMount): void {
  const { path, volume, servers, direct: source } = mount
  if (source) {
    direct.connect(gluster.machines, machine, source)
    machine.clients.set(path, {
      volume,
      directory: mount.directory ?? '',
      server: '',
      export: source.export,
      ...(source.tls ? { certificate: source.tls.certificate } : {}),
      bricks: source.bricks,
      isDead: false,
    })
    return
  }
  const server = servers.find((name) => gluster.canMount(machine.name, name, mount))
  if (server === undefined) throw new Error(`no gluster server gives ${volume}: ${servers.join(', ')}`)
  machine.clients.set(path, { volume, directory: mount.directory ?? '', server, isDead: false })
}

function discover(machine: SimulatedMachine): InventoryDevice[] {
  return [...machine.disks.values()].map(({ name, path, pool, identity, sizeBytes }): InventoryDevice => {
    const wipes = { discard: false, sanitize: 'no', reason: 'it is simulated' } as const
    const device = { name, path, pool, identity, sizeBytes, wipes }
    const facts = bricks.deviceFacts(machine, name)
    if (!facts.present) return { ...device, state: 'refused', reason: facts.reason }
    const { content, busy, partitions } = facts
    if (busy.length > 0) return { ...device, state: 'refused', reason: isInUse(busy) }
    switch (content.kind) {
      case 'unreadable':
        return { ...device, state: 'refused', reason: isUnreadable(content.reason) }
      case 'xfs':
        return isOurLabel(content.label)
          ? { ...device, state: 'stamped', stamp: { uuid: content.uuid, label: content.label } }
          : { ...device, state: 'foreign', reason: describeContent(content) }
      case 'other':
        return { ...device, state: 'foreign', reason: describeContent(content) }
      case 'blank':
        return partitions.length > 0
          ? { ...device, state: 'refused', reason: hasPartitions(partitions) }
          : { ...device, state: 'blank' }
    }
  })
}
