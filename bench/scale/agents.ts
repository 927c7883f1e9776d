import { systemClock } from '../../src/daemon/clock.js'
import { silentLog } from '../../src/daemon/log.js'
import { type HostService, serveHost } from '../../src/agent/serve.js'
import type { Host } from '../../src/agent/port/host.js'
import type { DesiredTransfer } from '../../src/model/documents/transfer.js'
import type { Role } from '../../src/model/documents/host.js'
import { SimulatedGluster, type SimulatedVolume } from '../../src/simulated/gluster.js'
import { simulatedHost } from '../../src/simulated/host.js'
import { aMachine, bootOf, type SimulatedMachine, turnOff, turnOn } from '../../src/simulated/machine.js'
import type { Pace } from '../../src/simulated/pace.js'
import { openStore } from '../../src/store/etcd.js'
import type { Store } from '../../src/store/store.js'

/* A process of the rig: many agents, each with the real code on a simulated host that does everything at once. */

export interface AgentsOptions {
  endpoint: string
  role: Role
  hosts: string[]
  /** Disks of each host. */
  disks: number
  pool: string
  diskBytes: number
  /** So many hosts share a connection to etcd; with 1 each has its own. */
  share: number
  /** Hosts that may be lost: they have their own connections in any case. */
  apart: string[]
  stagePaths: string[]
  /** How long a host copies its share of a transfer. */
  copyMs: number
}

const options = JSON.parse(process.argv[2]!) as AgentsOptions
const machines = new Map<string, SimulatedMachine>()
const atOnce: Pace = {
  look: (_host, _kind, act) => Promise.resolve(act()),
  effect: async (_host, _step, acts) => {
    for (const act of acts) act()
  },
}

/** The volumes are in the process of the storage hosts: every one that is asked for is there. */
class VolumesElsewhere extends Map<string, SimulatedVolume> {
  override get(name: string): SimulatedVolume {
    return { name, bricks: [], options: {}, status: 'started', directories: new Set() }
  }
}
class GlusterElsewhere extends SimulatedGluster {
  override readonly volumes = new VolumesElsewhere()

  override canMount(): boolean {
    return true
  }
}

const gluster = options.role === 'storage' ? new SimulatedGluster(machines) : new GlusterElsewhere(machines)
const served = new Map<string, { service: HostService; store: Store }>()
const shared: Store[] = []

for (const [index, name] of options.hosts.entries()) {
  const isStorage = options.role === 'storage'
  machines.set(
    name,
    aMachine({ name, disks: isStorage ? options.disks : 0, pool: options.pool, sizeBytes: options.diskBytes }),
  )
  serve(name, options.apart.includes(name) ? open() : (shared[Math.floor(index / options.share)] ??= open()))
}

process.on('message', (message: { ask: string; number: number; hosts: string[] }) => {
  if (message.ask === 'lose') for (const host of message.hosts) lose(host)
  else if (message.ask === 'return') for (const host of message.hosts) comeBack(host)
  else return
  process.send!({ answers: message.number })
})

function open(): Store {
  return openStore({ endpoints: [options.endpoint] }, { clock: systemClock, log: silentLog })
}

function serve(name: string, store: Store): void {
  const { role, stagePaths } = options
  const machine = machines.get(name)!
  const host = copiesForAWhile(simulatedHost({ machine, gluster, pace: atOnce, clock: systemClock }))
  const document = {
    v: 1 as const,
    host: name,
    roles: [role],
    addresses: [name],
    versions: { kernel: 'simulated' },
    startedAt: systemClock.unixSeconds(),
    boot: bootOf(machine),
    ...(role === 'storage' ? { stagePaths, brickPorts: { first: 30_000, last: 30_999 } } : {}),
  }
  const service = serveHost({ host, roles: [role], document, store, clock: systemClock, log: silentLog })
  served.set(name, { service, store })
}

/** As by a power cut: nothing is said to etcd any more. */
function lose(name: string): void {
  const { service, store } = served.get(name)!
  turnOff(machines.get(name)!)
  store
    .close()
    .then(
      () => service.stop(),
      () => {},
    )
    .catch(() => {})
}

function comeBack(name: string): void {
  turnOn(machines.get(name)!)
  gluster.restart(name)
  serve(name, open())
}

/** Simulated hosts copy in no time: here a share is under way for a while, with progress that differs each time. */
function copiesForAWhile(host: Host): Host {
  const begun = new Map<string, number>()
  const idOf = ({ session, transfer, attempt }: DesiredTransfer) => `${session.id} ${transfer} ${attempt}`
  return {
    ...host,
    observe: {
      ...host.observe,
      transfer: async (transfer) => {
        const facts = await host.observe.transfer(transfer)
        const since = begun.get(idOf(transfer))
        if (facts.done || since === undefined || transfer.part !== 'copy') return facts
        const files = Math.ceil(systemClock.monotonicMs() - since)
        const counts = { files, bytes: files * 1_000, failed: 0, totalFiles: 100_000, totalBytes: 1e8 }
        return { ...facts, running: { counts, failures: [] } }
      },
    },
    effects: {
      ...host.effects,
      copyTransfer: async (args) => {
        begun.set(idOf(args.transfer), systemClock.monotonicMs())
        systemClock.after(options.copyMs, () => void host.effects.copyTransfer(args).catch(() => {}))
      },
    },
  }
}
