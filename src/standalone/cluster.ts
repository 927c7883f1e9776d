import { serveHost } from '../agent/serve.js'
import type { Clock } from '../daemon/clock.js'
import type { Log } from '../daemon/log.js'
import type { HostDocument, Role } from '../model/documents/host.js'
import type { Accounts } from '../scheduler/users/accounts.js'
import type { SchedulerConfig } from '../scheduler/config.js'
import { startScheduler } from '../scheduler/scheduler.js'
import type { Store } from '../store/store.js'
import { SimulatedGluster } from '../simulated/gluster.js'
import { simulatedHost } from '../simulated/host.js'
import { aMachine, bootOf, type SimulatedMachine } from '../simulated/machine.js'
import { type Fault, SteadyPace } from '../simulated/pace.js'

/** The hosts of a cluster: `storage` has the number of disks of each storage host; compute hosts are `c1`, `c2`, … */
export interface Shape {
  storage: Record<string, number>
  computeHosts: number
  pool: string
  granularityBytes: number
  /** The stage paths of its storage hosts. */
  stagePaths?: string[]
}

/** As in the lab: twenty disks of 1 TB on three hosts. */
export const usualShape: Shape = {
  storage: { gluster1: 7, gluster2: 7, gluster3: 6 },
  computeHosts: 2,
  pool: 'dedicated_nvme',
  granularityBytes: 1e12,
}

export interface StandaloneParts {
  shape: Shape
  faults: Fault[]
  config: SchedulerConfig
  /** Opens a connection to etcd for a program: `scheduler`, or an agent, by the name of its host. */
  openStore: (program: string) => Store
  clock: Clock
  log: Log
}

export interface StandaloneCluster {
  /** The simulated machines, by host. */
  readonly machines: ReadonlyMap<string, SimulatedMachine>
  stop(): Promise<void>
}

/** Starts a scheduler and simulated hosts, each with its agent, in this process. */
export async function startCluster(parts: StandaloneParts): Promise<StandaloneCluster> {
  const { shape, config, clock, log } = parts
  const machines = new Map<string, SimulatedMachine>()
  const gluster = new SimulatedGluster(machines)
  const pace = new SteadyPace(clock)
  for (const fault of parts.faults) pace.add(fault)
  const ends: (() => Promise<void>)[] = []

  const serve = (machine: SimulatedMachine, role: Role) => {
    machines.set(machine.name, machine)
    const store = parts.openStore(machine.name)
    const host = simulatedHost({ machine, gluster, pace, clock })
    const stagePaths = role === 'storage' && shape.stagePaths ? { stagePaths: shape.stagePaths } : {}
    const document = { ...hostDocument(machine.name, role, clock.unixSeconds()), boot: bootOf(machine), ...stagePaths }
    const service = serveHost({ host, roles: [role], document, store, clock, log })
    ends.push(async () => {
      await service.stop()
      await store.close()
    })
  }

  const store = parts.openStore('scheduler')
  const candidate = { host: config.host, pid: process.pid }
  const statPaths = () => Promise.resolve(undefined)
  const scheduler = await startScheduler({ store, config, candidate, accounts: everyUser, statPaths, clock, log })
  for (const [name, disks] of Object.entries(shape.storage)) {
    serve(aMachine({ name, disks, pool: shape.pool, sizeBytes: shape.granularityBytes }), 'storage')
  }
  for (let number = 1; number <= shape.computeHosts; number++) serve(aMachine({ name: `c${number}` }), 'compute')
  return {
    machines,
    stop: async () => {
      await scheduler.stop()
      await store.close()
      await Promise.all(ends.map((end) => end()))
    },
  }
}

/** Every user exists, in a group of its own: there are no files here that anybody could own. */
export const everyUser: Accounts = {
  lookUp: (uid) => Promise.resolve({ name: String(uid), gid: uid }),
  groupId: () => Promise.resolve(undefined),
  groupsOf: (uid) => Promise.resolve([uid]),
  userName: (uid) => String(uid),
  learn: () => {},
  problem: () => undefined,
}

function hostDocument(host: string, role: Role, startedAt: number): HostDocument {
  const versions = { kernel: 'simulated', glusterfs: 'simulated', node: process.versions.node }
  return { v: 1, host, roles: [role], addresses: [host], versions, startedAt }
}
