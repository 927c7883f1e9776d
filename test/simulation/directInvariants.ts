import { isDeepStrictEqual } from 'node:util'
import { describeStep, type Step } from '../../src/agent/port/steps.js'
import { hostKey } from '../../src/model/cluster.js'
import type { BufferDocument } from '../../src/model/documents/buffer.js'
import type { AnyDesired } from '../../src/model/documents/desired.js'
import type { DirectSource } from '../../src/model/documents/direct.js'
import { fenceParts } from '../../src/simulated/direct.js'
import type { SimulatedMachine } from '../../src/simulated/machine.js'
import type { FakeEtcd } from '../../src/store/fake.js'

interface Parts {
  etcd: FakeEtcd
  machines: ReadonlyMap<string, SimulatedMachine>
  fail: (invariant: number, what: string) => void
}

/** What must hold of buffers of the data plane `direct` besides. */
export class DirectInvariants {
  /** By the keys of desired documents: whom they let in when they were looked at last. */
  private readonly letIn = new Map<string, string[]>()

  constructor(private readonly parts: Parts) {}

  /** A brick process serves the brick's own file system, and nothing listens before it is known who may connect. */
  beforeStart(host: string, step: Step & { kind: 'startBrick' }): void {
    const { volume, device } = step
    const machine = this.parts.machines.get(host)!
    const uuid = volume.bricks.find((brick) => brick.device === device)?.uuid
    if (machine.mounted.get(device)?.files.stamp !== uuid)
      this.parts.fail(3, `${host}: ${describeStep(step)} although its file system is not mounted`)
    if (!machine.hasOwnFilter && !machine.fences.has(volume.volume))
      this.parts.fail(10, `${host}: ${describeStep(step)} although anybody may connect`)
  }

  /** `mustStay`: the host is alive, and may write what its jobs have not written yet. */
  check(buffers: readonly BufferDocument[], mustStay: (host: string, volume: string) => boolean): void {
    this.checkPorts(buffers)
    this.checkPlaces(buffers)
    this.checkFences()
    const desired = this.parts.etcd
      .list('desired/')
      .entries.map(({ key, value }) => ({ key, value: value as AnyDesired }))
    this.checkLetIn(desired, mustStay)
    this.checkLogins(desired)
  }

  private checkPorts(buffers: readonly BufferDocument[]): void {
    const owners = new Map<string, string>()
    for (const { name, bricks, released } of buffers) {
      for (const { host, device, at } of [...bricks, ...released]) {
        if (!at) continue
        const place = hostKey(host, String(at.port))
        const other = owners.get(place)
        if (other !== undefined) this.parts.fail(10, `port ${place} is that of ${other} and of ${device} of ${name}`)
        owners.set(place, `${device} of ${name}`)
      }
    }
  }

  /** A client goes on to look for the bricks where it was told to. */
  private checkPlaces(buffers: readonly BufferDocument[]): void {
    for (const { name, clients } of this.parts.machines.values()) {
      for (const [path, { volume, bricks, isDead }] of clients) {
        const buffer = bricks && !isDead && buffers.find((each) => each.volume === volume)
        if (buffer && !isDeepStrictEqual(bricks, placesOf(buffer)))
          this.parts.fail(6, `${name}: ${path} looks for the bricks of ${buffer.name} where they are no more`)
      }
    }
  }

  /** Whatever listens for a volume, it is known who may connect. */
  private checkFences(): void {
    for (const { name, served, fences, hasOwnFilter } of this.parts.machines.values()) {
      if (hasOwnFilter) continue
      for (const { volume, port } of served.values()) {
        if (port === undefined || fenceParts(fences.get(volume)).ports.includes(port)) continue
        this.parts.fail(10, `${name}: anybody may connect to port ${port} of volume ${volume}`)
      }
    }
  }

  /** A host is taken out when it has unmounted the buffer, and not before. */
  private checkLetIn(desired: Desired[], mustStay: (host: string, volume: string) => boolean): void {
    for (const { key, value } of desired) {
      if (value.kind !== 'volume' || value.type !== 'direct') continue
      const { volume, clients, wanted } = value
      const before = this.letIn.get(key) ?? []
      this.letIn.set(key, clients)
      if (wanted === 'absent') continue
      for (const host of before.filter((each) => !clients.includes(each))) {
        const mounts = [...this.parts.machines.get(host)!.clients.values()]
        if (mounts.some((mount) => mount.volume === volume && !mount.isDead) && mustStay(host, volume))
          this.parts.fail(5, `${key} lets ${host} in no more, although it has the volume mounted`)
      }
    }
  }

  /** A node is given no login of another, and no login opens two exports. */
  private checkLogins(desired: Desired[]): void {
    const opens = new Map<string, string>()
    const note = (password: string | undefined, what: string) => {
      if (password === undefined) return
      const other = opens.get(password) ?? what
      if (other !== what) this.parts.fail(10, `one login opens ${other} and ${what}`)
      opens.set(password, what)
    }
    for (const { key, value } of desired) {
      if (value.kind === 'volume' && value.type === 'direct')
        for (const { name, login } of value.exports) note(login?.password, `${value.volume} ${name}`)
      if (value.kind !== 'mount' || !value.direct) continue
      const host = key.split('/')[1]!
      const name = value.direct.export
      note(value.direct.login?.password, `${value.volume} ${name}`)
      if (name !== 'striped' && !name.endsWith(`-${host}`)) this.parts.fail(10, `${host} is given the login of ${name}`)
    }
  }
}

interface Desired {
  key: string
  value: AnyDesired
}

function placesOf({ bricks }: BufferDocument): DirectSource['bricks'] {
  return bricks.flatMap(({ at }) => (at ? [at] : []))
}
