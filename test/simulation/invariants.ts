import { isDeepStrictEqual } from 'node:util'
import { describeStep, type Step } from '../../src/agent/port/steps.js'
import { hostKey, mountIdOf, swapId, transferId } from '../../src/model/cluster.js'
import { type BufferDocument, bufferDocument } from '../../src/model/documents/buffer.js'
import type { DesiredBrick } from '../../src/model/documents/brick.js'
import type { AnyDesired } from '../../src/model/documents/desired.js'
import type { DirectSource } from '../../src/model/documents/direct.js'
import type { DesiredMount } from '../../src/model/documents/mount.js'
import { type SessionDocument, sessionDocument } from '../../src/model/documents/session.js'
import { serversOf } from '../../src/model/buffers.js'
import { transfersOf } from '../../src/model/transfers.js'
import { fenceParts } from '../../src/simulated/direct.js'
import type { SimulatedGluster } from '../../src/simulated/gluster.js'
import type { SimulatedDisk, SimulatedMachine } from '../../src/simulated/machine.js'
import type { FakeEtcd } from '../../src/store/fake.js'
import { keys } from '../../src/store/keys.js'
import { DirectInvariants } from './directInvariants.js'
import type { Life } from './life.js'

export class Violation extends Error {
  override name = 'Violation'
}

/** The promises of ARCHITECTURE.md, checked on the truth itself: etcd, the disks, gluster. Their numbers are those there. */
export class Invariants {
  violation: Violation | undefined
  /** Something may have changed since the last check. */
  changed = true
  /** What disks of others hold; `late`: put there after our agents looked, so that only the moment of use can tell. */
  private readonly foreign = new Map<SimulatedDisk, { content: string; late: boolean }>()
  private readonly lost = new Set<SimulatedDisk>()
  private checkedRevision = 0
  private readonly aliveSince = new Map<string, number>()
  /** Volumes that some host was told to remove. */
  private readonly leaving = new Set<string>()
  /** Hosts that were cut off from a volume, and seen not to be let in. */
  private readonly seenOut = new Set<string>()
  /** Jobs that were torn down with --hurry. */
  readonly hurried = new Set<string>()
  /** Sessions whose job has begun. */
  private readonly begun = new Set<number>()
  /** Bricks, by uuid, that hold what a job has not staged out and nobody has given up, with the job's token. */
  private readonly unsaved = new Map<string, string>()
  /** Disks that are to be overwritten before they are free, as the buffer's document says that has them. */
  private readonly promised = new Set<SimulatedDisk>()
  /** What hosts have copied: `101.1`, a transfer of a session, with `copy 1 0`, an attempt and a share. */
  private readonly copied = new Map<string, Set<string>>()
  private readonly direct: DirectInvariants

  constructor(
    private readonly etcd: FakeEtcd,
    private readonly machines: ReadonlyMap<string, SimulatedMachine>,
    private readonly gluster: SimulatedGluster,
    private readonly nowMs: () => number,
  ) {
    this.direct = new DirectInvariants({ etcd, machines, fail: (invariant, what) => this.fail(invariant, what) })
  }

  /** Somebody's data is on this disk from now on. */
  protect(disk: SimulatedDisk, { late = false } = {}): void {
    this.foreign.set(disk, { content: JSON.stringify(disk.content), late })
  }

  release(disk: SimulatedDisk): void {
    this.foreign.delete(disk)
  }

  /** Somebody has wiped this disk of ours: its data is gone, and what stands there tells of it. */
  lose(disk: SimulatedDisk): void {
    this.lost.add(disk)
  }

  /** Invariant 4: a destructive step is ordered right after its document was read again, and only if it still says so. */
  onOrder(life: Life, host: string, step: Step): void {
    const [key, document] = documentOf(host, step)
    const entry = life.read.get(key)
    life.read.delete(key)
    if (entry === undefined) this.fail(4, `${host}: ${describeStep(step)} without reading ${key} again`)
    else if (!isDeepStrictEqual(entry.value, document))
      this.fail(4, `${host}: ${describeStep(step)} is not what ${key} says`)
  }

  /** Right before an effect changes anything. */
  onAct(host: string, step: Step): void {
    switch (step.kind) {
      case 'formatBrick':
        return this.beforeFormat(host, step)
      case 'wipeBrick':
        return this.beforeWipe(host, step)
      case 'unmountBrick':
        return this.beforeUnmount(host, step)
      case 'stopVolume':
      case 'deleteVolume':
        if (this.gluster.volumes.get(step.volume.volume)?.status !== 'started') return
        return this.beforeStop(host, step, step.volume)
      case 'stopBrick':
        // Nobody has anything of one that hangs.
        if (this.machines.get(host)!.served.get(step.device)?.silent === 'hung') return
        return this.beforeStop(host, step, step.volume)
      case 'stopBrickProcess': {
        const process = this.machines.get(host)!.served.get(step.brick.device)
        if (process?.port !== undefined) this.beforeStop(host, step, process)
        return
      }
      case 'closePorts':
        return this.beforeStop(host, step, step.volume)
      case 'startBrick':
        return this.direct.beforeStart(host, step)
      case 'unmountBuffer':
        return this.beforeUnmountOfBuffer(host, step)
      case 'signalMountUsers':
      case 'unmountBelow':
        return this.beforeEndOfUse(host, step)
      default:
        return
    }
  }

  /** After each event in which something changed. */
  check(): void {
    if (!this.changed && this.checkedRevision === this.etcd.revision) return
    this.changed = false
    this.checkedRevision = this.etcd.revision
    this.checkTrustedPool()
    this.checkOwners()
    this.checkDisks()
    this.checkLeaving()
    this.checkSwaps()
    this.checkCutOff()
    this.checkStaging()
    this.direct.check(this.buffers(), (host, volume) => this.isKnown(host) && !this.isCutOff(host, volume))
  }

  private beforeFormat(host: string, step: Step & { kind: 'formatBrick' }): void {
    const { brick, over } = step
    const disk = this.diskOf(host, brick.device)
    if (!disk) return
    const foreign = this.foreign.get(disk)
    // The look was before, and the last guard refuses; that it did is seen on the disk.
    if (foreign?.late) return
    if (foreign) this.fail(2, `${host}: ${describeStep(step)} although it holds data of others`)
    if (disk.identity !== brick.identity) this.fail(2, `${host}: ${describeStep(step)} although it is another disk`)
    const owner = this.buffers().find(({ bricks, released }) => [...bricks, ...released].some(isBrick(host, brick)))
    if (owner?.wipe === 'zero') this.promised.add(disk)
    else this.promised.delete(disk)
    const { content } = disk
    const mayBe = content.kind === 'blank' || (content.kind === 'xfs' && content.uuid === brick.uuid)
    if (!mayBe) this.fail(2, `${host}: ${describeStep(step)} although it holds ${JSON.stringify(content)}`)
    const built = this.buffers().find(
      ({ builtAt, bricks }) => builtAt !== undefined && bricks.some(isBrick(host, brick)),
    )
    if (built) this.fail(3, `${host}: ${describeStep(step)} although the buffer ${built.name} was built`)
    if (over === 'own' && disk.files.stamp === brick.uuid)
      this.fail(3, `${host}: ${describeStep(step)} although its stamp says that it is finished`)
  }

  private beforeWipe(host: string, step: Step & { kind: 'wipeBrick' }): void {
    const { brick } = step
    const disk = this.diskOf(host, brick.device)
    if (!disk || disk.content.kind === 'blank') return
    if (this.foreign.get(disk)?.late === false)
      this.fail(2, `${host}: ${describeStep(step)} although it holds data of others`)
    const key = keys.desired(host, 'brick', brick.device)
    const desired = this.etcd.read(key)?.value as { wanted?: string; uuid?: string } | undefined
    if (desired?.wanted === 'present') this.fail(3, `${host}: ${describeStep(step)} although ${key} says present`)
    if (disk.content.kind === 'xfs' && disk.content.uuid !== brick.uuid)
      this.fail(3, `${host}: ${describeStep(step)} although it is the brick of another buffer`)
    const token = this.unsaved.get(brick.uuid)
    if (token !== undefined)
      this.fail(9, `${host}: ${describeStep(step)} although job ${token} has not staged out what is on it`)
    const owner = this.buffers().find(({ wanted, bricks }) => wanted === 'present' && bricks.some(isBrick(host, brick)))
    if (owner) this.fail(3, `${host}: ${describeStep(step)} although the buffer ${owner.name} has it`)
  }

  /** A volume that is stopped and cannot be deleted, because a peer is away, gives its bricks back all the same. */
  private beforeUnmount(host: string, step: Step & { kind: 'unmountBrick' }): void {
    for (const volume of this.gluster.volumes.values()) {
      const isThere = volume.bricks.some(
        (brick) => brick.host === host && brick.path.includes(`/${step.brick.device}/`),
      )
      if (isThere && volume.status === 'started')
        this.fail(5, `${host}: ${describeStep(step)} although the volume ${volume.name} is started`)
    }
  }

  private beforeStop(host: string, step: Step, { volume }: { volume: string }): void {
    for (const machine of this.machines.values()) {
      for (const [path, client] of machine.clients) {
        if (client.volume !== volume || !isOn(client, host)) continue
        const own = this.sessionAt(path)
        const sessions = own ? [own] : this.mountsAt(machine.name, path).map(({ session }) => session)
        const live = sessions.find(({ stage }) => ['setup', 'staged-in', 'running'].includes(stage))
        if (live)
          this.fail(5, `${host}: ${describeStep(step)} although job ${live.token} has it mounted on ${machine.name}`)
      }
    }
  }

  private beforeEndOfUse(host: string, step: Step & { kind: 'signalMountUsers' | 'unmountBelow' }): void {
    const wanted = this.mountsAt(host, step.mount.path)[0]
    if (wanted) this.fail(5, `${host}: ${describeStep(step)} although job ${wanted.session.token} has it mounted`)
  }

  /** Who was cut off from a buffer is not let in again. */
  private checkCutOff(): void {
    for (const { volume, host } of this.cutOff()) {
      const allowed = this.allowedTo(volume)
      if (allowed === undefined) continue
      const isAllowed = allowed.includes(host)
      if (!isAllowed) this.seenOut.add(hostKey(volume, host))
      else if (this.seenOut.has(hostKey(volume, host)))
        this.fail(10, `${host} is let in again to ${volume}, from which it was cut off`)
    }
  }

  /** Whom the volume lets in, where it is served. */
  private allowedTo(volume: string): string[] | undefined {
    const fences = [...this.machines.values()].flatMap(({ fences }) => fences.get(volume) ?? [])
    if (fences.length > 0) return fences.flatMap((fence) => fenceParts(fence).clients)
    const found = this.gluster.volumes.get(volume)
    return found?.status === 'started' ? (found.options['auth.allow'] ?? '').split(/[,|()]/) : undefined
  }

  /** Hosts that sessions note to be cut off, with the volumes. */
  private cutOff(): { volume: string; host: string }[] {
    const noted = this.etcd.list('sessions/').entries.flatMap(({ value }) => (value as SessionDocument).cutOff ?? [])
    if (noted.length === 0) return []
    const volumes = new Map(this.buffers().map(({ id, volume }) => [id, volume]))
    return noted.flatMap(({ host, buffer }) => {
      const volume = volumes.get(buffer)
      return volume === undefined ? [] : [{ volume, host }]
    })
  }

  private beforeUnmountOfBuffer(host: string, step: Step & { kind: 'unmountBuffer' }): void {
    if (this.machines.get(host)?.swaps.get(step.mount.path)?.isOn)
      this.fail(5, `${host}: ${describeStep(step)} although swap on it is on`)
    const client = this.machines.get(host)?.clients.get(step.mount.path)
    if (!client || client.isDead || step.mount.wanted === 'present') return
    for (const { session } of this.mountsAt(host, step.mount.path)) {
      if (session.stage === 'running' && session.id !== step.mount.session.id)
        this.fail(5, `${host}: ${describeStep(step)} although job ${session.token} was told that it is mounted`)
    }
  }

  /** What that host has been told, and has said, to be mounted at a path, with the sessions. */
  private mountsAt(host: string, path: string): { session: SessionDocument }[] {
    return this.etcd.list(`desired/${host}/mount/`).entries.flatMap(({ key, value }) => {
      const document = value as DesiredMount
      const observed = this.etcd.read(key.replace('desired/', 'observed/'))?.value as { state: string } | undefined
      if (document.path !== path || document.wanted !== 'present' || observed?.state !== 'mounted') return []
      const session = this.session(document.session.id)
      return session ? [{ session }] : []
    })
  }

  /** Invariant 8: a job that asked for swap and was told to run has it. */
  expectSwap(token: string, hosts: readonly string[]): void {
    const without = hosts.filter((host) => !hasSwap(this.machines.get(host)!, token))
    if (without.length > 0) this.fail(8, `job ${token} runs without its swap on ${without.join(', ')}`)
  }

  /** Swap is on nowhere but on what is mounted, and nowhere in clear. */
  private checkSwaps(): void {
    for (const { name, swaps, clients } of this.machines.values()) {
      for (const [path, { isOn, isEncrypted }] of swaps) {
        if (isOn && !clients.has(path)) this.fail(5, `${name}: ${path} is not mounted although swap on it is on`)
        if (isOn && !isEncrypted) this.fail(10, `${name}: swap in ${path} is not encrypted`)
      }
    }
  }

  private checkOwners(): void {
    const owners = new Map<string, string>()
    for (const { id, name, bricks, released } of this.buffers()) {
      for (const { host, device } of [...bricks, ...released]) {
        const other = owners.get(hostKey(host, device))
        const owner = `${name} (${id})`
        if (other !== undefined) this.fail(1, `${host}/${device} belongs to ${other} and to ${owner}`)
        owners.set(hostKey(host, device), owner)
      }
    }
    for (const { key, value } of this.etcd.list('desired/').entries) {
      const [, host, kind, device] = key.split('/') as [string, string, string, string]
      if (kind !== 'brick' || (value as DesiredBrick).spare === undefined) continue
      const owner = owners.get(hostKey(host, device))
      if (owner !== undefined) this.fail(1, `${host}/${device} is a spare, and belongs to ${owner}`)
      const disk = this.diskOf(host, device)
      if (disk?.files.stamp === (value as DesiredBrick).uuid && disk.files.directories.size > 0)
        this.fail(3, `${host}/${device} is a spare, and has a directory`)
    }
    const served = new Map<string, string>()
    for (const volume of this.gluster.volumes.values()) {
      if (volume.status !== 'started') continue
      for (const { host, path } of volume.bricks) {
        const place = hostKey(host, path.split('/').at(-2)!)
        const other = served.get(place)
        if (other !== undefined) this.fail(1, `${place} is in the volumes ${other} and ${volume.name}`)
        served.set(place, volume.name)
      }
    }
  }

  /** Data of others is as it was; data of buffers that were built and are wanted is there. */
  private checkDisks(): void {
    for (const [disk, { content }] of this.foreign) {
      if (JSON.stringify(disk.content) !== content) this.fail(2, `${disk.identity} held ${content}, which is gone`)
    }
    for (const disk of this.promised) {
      if (disk.content.kind === 'blank' && disk.remains)
        this.fail(8, `${disk.identity} is blank at its ends, and was not overwritten as its pool promised`)
    }
    for (const buffer of this.buffers()) {
      if (buffer.wanted === 'absent' || buffer.builtAt === undefined) continue
      for (const { host, device, identity, uuid } of buffer.bricks) {
        const disks = this.machines.get(host)?.disks.values() ?? []
        const disk = [...disks].find((disk) => disk.identity === identity)
        const holds = disk?.content.kind === 'xfs' && disk.content.uuid === uuid && disk.files.stamp === uuid
        if (!holds && !(disk && this.lost.has(disk)))
          this.fail(3, `${host}/${device} has lost the data of ${buffer.name}`)
      }
    }
  }

  /** When a volume is told to go, no host that is known to live has it mounted, but one that was cut off. */
  private checkLeaving(): void {
    const alive = new Set(this.etcd.list('hosts/').entries.map(({ key }) => key.slice('hosts/'.length)))
    for (const host of this.aliveSince.keys()) if (!alive.has(host)) this.aliveSince.delete(host)
    for (const host of alive) if (!this.aliveSince.has(host)) this.aliveSince.set(host, this.nowMs())
    for (const { key, value } of this.etcd.list('desired/').entries) {
      const desired = value as AnyDesired
      if (desired.kind !== 'volume' || desired.wanted !== 'absent') continue
      // Said once it is not taken back, and is said to another host when the primary changes.
      const volume = `${desired.volume} of ${desired.buffer.id}`
      if (this.leaving.has(volume)) continue
      this.leaving.add(volume)
      for (const { name, clients, transfers } of this.machines.values()) {
        const isKnown = this.isKnown(name)
        const isCut = this.isCutOff(name, desired.volume)
        if (
          isKnown &&
          !isCut &&
          [...clients.values()].some(
            (client) => client.volume === desired.volume && !client.isDead && isOn(client, key.split('/')[1]!),
          )
        )
          this.fail(5, `${key} says absent although ${name} has it mounted`)
        if (isKnown && [...transfers.values()].some(({ volume }) => volume === desired.volume))
          this.fail(5, `${key} says absent although ${name} copies from it`)
      }
    }
  }

  /** The scheduler may not have heard yet of a host that has just come. */
  private isKnown(host: string): boolean {
    return this.nowMs() - (this.aliveSince.get(host) ?? Infinity) > 5_000
  }

  private isCutOff(host: string, volume: string): boolean {
    return this.cutOff().some((entry) => entry.host === host && entry.volume === volume)
  }

  /** A job runs on the data that it asked for; and what it has made is staged out, or somebody gave it up. */
  private checkStaging(): void {
    this.noteCopies()
    for (const { value } of this.etcd.list('sessions/').entries) {
      const session = sessionDocument.parse(value)
      const lines = (direction: 'in' | 'out') => transfersOf(session, direction)
      if (session.stage === 'running') this.begun.add(session.id)
      const missed = session.stage === 'running' && lines('in').some(({ ended }) => ended?.state !== 'done')
      if (missed) this.fail(9, `job ${session.token} runs without its stage-ins`)
      const isFilled = transfersOf(session, 'fill').every(({ ended }) => ended?.state === 'done')
      if (!isFilled && this.hasMounted(session, '/private/'))
        this.fail(9, `a node of job ${session.token} sees its namespace before it is filled`)
      const buffer = this.etcd.read(keys.buffer(session.token))?.value as BufferDocument | undefined
      if (buffer) this.checkCopied(session, buffer)
      if (!this.begun.has(session.id)) continue
      const isSaved = lines('out').every(({ ended }) => ended?.state === 'done' || ended?.state === 'dropped')
      const mayGo = isSaved || this.hurried.has(session.token)
      for (const { uuid } of buffer?.bricks ?? []) {
        if (mayGo) this.unsaved.delete(uuid)
        else this.unsaved.set(uuid, session.token)
      }
      const isKept = session.stage !== 'leaving' && (session.buffer === undefined || buffer?.wanted === 'present')
      if (!isKept && !mayGo) this.fail(9, `job ${session.token} loses what it has not staged out`)
    }
  }

  /** Kept beyond the end of the transfer, when its hosts forget it. */
  private noteCopies(): void {
    for (const { transfers } of this.machines.values()) {
      for (const [id, { done }] of transfers) {
        const known = this.copied.get(id) ?? new Set()
        for (const what of done) known.add(what)
        this.copied.set(id, known)
      }
    }
  }

  /** A transfer counts as done when every host of its buffer has copied its share in that attempt. */
  private checkCopied({ id, token, transfers = [] }: SessionDocument, buffer: BufferDocument): void {
    for (const transfer of transfers) {
      if (transfer.ended?.state !== 'done' || transfer.buffer !== token) continue
      const copied = this.copied.get(transferId(id, transfer.number))
      for (const share of serversOf(buffer).keys()) {
        if (!copied?.has(`copy ${transfer.attempt} ${share}`))
          this.fail(9, `stage-${transfer.direction} ${transfer.number} of job ${token} is done without share ${share}`)
      }
    }
  }

  private hasMounted({ id }: SessionDocument, directories: string): boolean {
    return [...this.machines.values()].some(({ clients }) =>
      [...clients].some(([path, { directory }]) => path.includes(`.${id}/`) && directory.startsWith(directories)),
    )
  }

  private buffers(): BufferDocument[] {
    return this.etcd
      .list('buffers/')
      .entries.filter(({ value }) => typeof value === 'object')
      .map(({ value }) => bufferDocument.parse(value))
  }

  private sessionAt(path: string): SessionDocument | undefined {
    return this.session(Number(/\.([0-9]+)\//.exec(path)?.[1]))
  }

  private session(id: number): SessionDocument | undefined {
    return this.etcd
      .list('sessions/')
      .entries.map(({ value }) => sessionDocument.parse(value))
      .find((session) => session.id === id)
  }

  private diskOf(host: string, device: string): SimulatedDisk | undefined {
    return this.machines.get(host)?.disks.get(device)
  }

  /** Two pools cannot be joined without taking hosts out of one, and no volume has bricks in both. */
  private checkTrustedPool(): void {
    const pools = this.gluster.trustedPools().filter(({ size }) => size > 1)
    if (pools.length < 2) return
    const named = pools.map((hosts) => `{${[...hosts].join(', ')}}`).join(' and ')
    this.violation ??= new Violation(`the trusted pool has split: ${named}`)
  }

  private fail(number: number, what: string): void {
    this.violation ??= new Violation(`invariant ${number}: ${what}`)
  }
}

/** Swap of that job is on there. */
export function hasSwap({ swaps }: SimulatedMachine, token: string): boolean {
  return [...swaps].some(([path, { isOn }]) => isOn && path.includes(`/${token}.`))
}

function documentOf(host: string, step: Step): [key: string, document: AnyDesired] {
  if ('brick' in step) return [keys.desired(host, 'brick', step.brick.device), step.brick]
  if ('volume' in step) return [keys.desired(host, 'volume', step.volume.volume), step.volume]
  if ('adopt' in step) return [keys.desired(host, 'adopt', step.adopt.device), step.adopt]
  if ('peer' in step) return [keys.desired(host, 'peer', step.peer.peer), step.peer]
  if ('transfer' in step) {
    const { session, transfer } = step.transfer
    return [keys.desired(host, 'transfer', transferId(session.id, transfer)), step.transfer]
  }
  if ('swap' in step) return [keys.desired(host, 'swap', swapId(step.swap.session.id, step.swap.buffer.id)), step.swap]
  return [keys.desired(host, 'mount', mountIdOf(step.mount)), step.mount]
}

function isBrick(host: string, brick: { device: string; uuid: string }) {
  return (placed: { host: string; device: string; uuid: string }) =>
    placed.host === host && placed.device === brick.device && placed.uuid === brick.uuid
}

/** The client has a brick of that host mounted. Of glusterd's volumes it counts as one that has all. */
function isOn({ bricks }: { bricks?: DirectSource['bricks'] }, host: string): boolean {
  return bricks === undefined || bricks.some(({ address }) => address === host)
}
