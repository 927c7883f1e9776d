import { BrickMarked, Busy, type PeerFacts, Refusal, type GlusterfsVolumeFacts } from '../agent/port/host.js'
import { brickRoot } from '../model/cluster.js'
import type { GlusterfsVolume } from '../model/documents/volume.js'
import type { SimulatedDisk, SimulatedMachine } from './machine.js'

export interface SimulatedVolume {
  name: string
  bricks: { host: string; path: string }[]
  options: Record<string, string>
  status: 'created' | 'started' | 'stopped'
  /** The paths of the directories that were made in it. */
  directories: Set<string>
}

/**
 * The GlusterFS of all simulated machines: one record of volumes, which every running glusterd shares, and the quirks with which
 * the agents have to live (FAULTS in the design, seen in GlusterFS 10): a create marks its brick directories, also
 * when it fails; one peer away keeps every volume from being deleted; a brick process may outlive the stop of its volume
 * on a host that was away.
 */
export class SimulatedGluster {
  readonly volumes = new Map<string, SimulatedVolume>()
  /** The trusted pools: which hosts know each other. */
  private readonly pools: Set<string>[] = []
  /** Which host is creating a volume right now. */
  private readonly creators = new Map<string, string>()
  private nextPid = 1000

  constructor(readonly machines: ReadonlyMap<string, SimulatedMachine>) {}

  volumeFacts(self: string, { volume, wanted, directories = [] }: GlusterfsVolume): GlusterfsVolumeFacts {
    const nothing = { exists: false, bricks: [], options: {}, directories: [], offline: [], connectedPeers: [] }
    const unavailable = this.whyUnavailable(self)
    if (unavailable !== undefined) return { ...nothing, unavailable }
    const found = this.volumes.get(volume)
    if (!found) return { ...nothing, connectedPeers: this.connectedPeers(self) }
    const { status, options } = found
    return {
      exists: true,
      status,
      bricks: found.bricks.map(nameOf),
      options: { ...options },
      directories: directories.map(({ path }) => path).filter((path) => found.directories.has(path)),
      offline: status === 'started' && wanted === 'started' ? this.offlineBricks(volume) : [],
      connectedPeers: [],
    }
  }

  /** The bricks of a volume that nobody serves now. */
  offlineBricks(volume: string): string[] {
    const found = this.volumes.get(volume)
    return found ? found.bricks.filter((brick) => !this.isServed(found, brick)).map(nameOf) : []
  }

  peerFacts(self: string, peer: string): PeerFacts {
    const unavailable = this.whyUnavailable(self)
    if (unavailable !== undefined) return { known: false, connected: false, isAlone: false, unavailable }
    const pool = this.poolOf(self)
    return { known: pool.has(peer), connected: this.connectedPeers(self).includes(peer), isAlone: pool.size === 1 }
  }

  /** Each with its hosts; one host may be alone. */
  trustedPools(): readonly ReadonlySet<string>[] {
    return this.pools
  }

  probe(self: string, peer: string): void {
    this.orThrow(self)
    const [mine, other] = [this.poolOf(self), this.poolOf(peer)]
    if (mine === other) return
    if (!this.isReachable(self, peer)) throw new Error(`gluster peer probe ${peer}: Probe returned with no connection`)
    if (other.size > 1) throw new Error(`gluster peer probe ${peer}: ${peer} is part of another cluster already`)
    mine.add(peer)
    this.pools.splice(this.pools.indexOf(other), 1)
  }

  /**
   * The two halves of a create: the mark on every brick directory, and the volume itself. Between them the volume is locked:
   * nobody else can change it, and queries do not find it.
   */
  create(self: string, { volume, bricks }: GlusterfsVolume): [mark: () => void, record: () => void] {
    const mark = () => {
      this.orThrow(self)
      if (this.volumes.has(volume)) return
      const creator = this.creators.get(volume)
      if (creator !== undefined && this.machines.get(creator)?.isOn)
        throw new Busy(`gluster volume create ${volume}: Another transaction is in progress`)
      for (const brick of bricks) this.requireBrick(self, volume, brick)
      for (const brick of bricks) this.filesOf(brick)!.directories.set(directoryOf(brick.path), volume)
      this.creators.set(volume, self)
    }
    const record = () => {
      this.creators.delete(volume)
      this.orThrow(self)
      if (this.volumes.has(volume)) return
      this.volumes.set(volume, {
        name: volume,
        bricks: structuredClone(bricks),
        options: {},
        status: 'created',
        directories: new Set(),
      })
    }
    return [mark, record]
  }

  setOptions(self: string, volume: string, options: Record<string, string>): void {
    Object.assign(this.need(self, volume).options, options)
  }

  start(self: string, volume: string): void {
    const found = this.need(self, volume)
    found.status = 'started'
    for (const brick of found.bricks) {
      if (this.isReachable(self, brick.host)) this.spawn(found, brick)
    }
  }

  makeDirectories(self: string, { volume, directories = [] }: GlusterfsVolume): void {
    const found = this.need(self, volume)
    if (found.status !== 'started') throw new Error(`${volume} cannot be mounted: it is ${found.status}`)
    for (const { path } of directories) found.directories.add(path)
  }

  stop(self: string, desired: GlusterfsVolume): void {
    const found = this.stillOurs(self, desired)
    if (!found || found.status !== 'started') return
    found.status = 'stopped'
    for (const { host, path } of found.bricks) {
      const machine = this.machines.get(host)
      if (machine?.glusterd === 'running' && this.isReachable(self, host)) machine.served.delete(deviceOf(path))
    }
  }

  remove(self: string, desired: GlusterfsVolume): void {
    const found = this.stillOurs(self, desired)
    if (!found) return
    if (found.status === 'started') throw new Error(`gluster volume delete ${found.name}: the volume is started`)
    const away = [...this.poolOf(self)].filter((peer) => !this.connectedPeers(self).includes(peer))
    if (away.length > 0) throw new Error(`gluster volume delete ${found.name}: Some of the peers are down`)
    this.volumes.delete(found.name)
  }

  /** A glusterd that restarts has forgotten what it was doing. */
  restart(host: string): void {
    for (const [volume, creator] of this.creators) if (creator === host) this.creators.delete(volume)
    this.settle(host)
  }

  /** A glusterd that starts serves the bricks of started volumes, and no others. */
  settle(host: string): void {
    const machine = this.machines.get(host)
    if (!machine?.isOn || machine.glusterd !== 'running') return
    for (const [device, { volume, port }] of machine.served) {
      if (port !== undefined) continue
      if (this.volumes.get(volume)?.status !== 'started') machine.served.delete(device)
    }
    for (const volume of this.volumes.values()) {
      if (volume.status !== 'started') continue
      for (const brick of volume.bricks) if (brick.host === host) this.spawn(volume, brick)
    }
  }

  /** Whether a client that reaches that server can mount the volume. */
  canMount(
    client: string,
    server: string,
    { volume, directory }: { volume: string; directory?: string | undefined },
  ): boolean {
    const found = this.volumes.get(volume)
    const isThere = directory === undefined || found?.directories.has(directory) === true
    return found?.status === 'started' && isThere && this.isReachable(client, server)
  }

  private isServed(volume: SimulatedVolume, { host, path }: { host: string; path: string }): boolean {
    const machine = this.machines.get(host)
    return machine?.isOn === true && machine.isConnected && machine.served.get(deviceOf(path))?.volume === volume.name
  }

  private spawn(volume: SimulatedVolume, brick: { host: string; path: string }): void {
    const machine = this.machines.get(brick.host)
    const device = deviceOf(brick.path)
    if (!machine || machine.served.has(device)) return
    const files = this.filesOf(brick)
    if (files?.directories.get(directoryOf(brick.path)) !== volume.name) return
    machine.served.set(device, { pid: this.nextPid++, volume: volume.name })
  }

  private requireBrick(self: string, volume: string, brick: { host: string; path: string }): void {
    if (!this.connectedPeers(self).includes(brick.host))
      throw new Error(`gluster volume create ${volume}: Host ${brick.host} is not in 'Peer in Cluster' state`)
    const files = this.filesOf(brick)
    if (!files?.directories.has(directoryOf(brick.path)))
      throw new Error(`gluster volume create ${volume}: Failed to find brick directory ${brick.path}`)
    if (files.directories.get(directoryOf(brick.path)) !== undefined)
      throw new BrickMarked(`${nameOf(brick)} is already part of a volume`)
  }

  private filesOf({ host, path }: { host: string; path: string }): SimulatedDisk['files'] | undefined {
    return this.machines.get(host)?.mounted.get(deviceOf(path))?.files
  }

  private stillOurs(self: string, { volume, bricks }: GlusterfsVolume): SimulatedVolume | undefined {
    this.orThrow(self)
    const found = this.volumes.get(volume)
    if (found && found.bricks.map(nameOf).join() !== bricks.map(nameOf).join())
      throw new Refusal(`volume ${volume} has other bricks by now, and is left alone`)
    return found
  }

  private need(self: string, volume: string): SimulatedVolume {
    this.orThrow(self)
    const found = this.volumes.get(volume)
    if (!found) throw new Error(`Volume ${volume} does not exist`)
    return found
  }

  private connectedPeers(self: string): string[] {
    return [...this.poolOf(self)].filter((peer) => peer === self || this.isReachable(self, peer))
  }

  private isReachable(from: string, to: string): boolean {
    const [a, b] = [this.machines.get(from), this.machines.get(to)]
    if (!a?.isOn || !b?.isOn || b.glusterd !== 'running') return false
    return a === b || (a.isConnected && b.isConnected)
  }

  private poolOf(host: string): Set<string> {
    let pool = this.pools.find((known) => known.has(host))
    if (!pool) this.pools.push((pool = new Set([host])))
    return pool
  }

  private whyUnavailable(self: string): string | undefined {
    return this.machines.get(self)?.glusterd === 'running' ? undefined : `glusterd on ${self} to answer`
  }

  private orThrow(self: string): void {
    const unavailable = this.whyUnavailable(self)
    if (unavailable !== undefined) throw new Error(`no answer: ${unavailable}`)
  }
}

function nameOf({ host, path }: { host: string; path: string }): string {
  return `${host}:${path}`
}

/** `/data/glusterfs/nvme1n1/brick-2` → `nvme1n1` and `brick-2`. */
function deviceOf(path: string): string {
  return path.slice(brickRoot.length + 1).split('/')[0]!
}

function directoryOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
