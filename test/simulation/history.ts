import { SimulatedCluster } from './cluster.js'
import { Director } from './director.js'
import { Violation } from './invariants.js'
import { scenarios } from './scenarios.js'
import { trustedPoolScenarios } from './trustedPoolScenarios.js'
import { seeded, World } from './world.js'

/** Where programs die: at the n-th point where one can, or at each with some chance. */
export type Crashes = { at: number } | { chance: number }

export interface HistoryOptions {
  scenario: string
  seed: number
  crashes: Crashes
  hasSteppedClocks?: boolean
}

export interface History {
  /** What went wrong, if anything: a promise that was broken, or an end that was not reached. */
  wrong: string | undefined
  /** Points at which a program could have died. */
  points: number
  deaths: number
  events: number
  story: string[]
}

/** Programs that never stop dying come to no end. */
const maxDeaths = 40
const endMs = 30 * 60_000
const settleMs = 15 * 60_000

/** Plays one history to its end, checking after every event. `visit` is told every state. */
export async function play(
  { scenario, seed, crashes, hasSteppedClocks = false }: HistoryOptions,
  visit: (state: string) => void = () => {},
): Promise<History> {
  const random = seeded(seed)
  const world = new World(random)
  world.hasSteppedClocks = hasSteppedClocks
  let points = 0
  let crashing = true
  const chance = seeded(seed + 1)
  const fate = () => {
    points++
    if (!crashing) return false
    if ('at' in crashes) return points === crashes.at
    return chance() < crashes.chance && cluster.deaths < maxDeaths
  }
  const cluster: SimulatedCluster = new SimulatedCluster(world, fate)
  cluster.startScheduler('head1')
  const director = new Director(cluster)
  let lastRevision = 0

  const advance = async () => {
    if (!(await world.step())) throw new Violation('nothing is left that could happen')
    const { invariants, etcd } = cluster
    if (invariants.changed || etcd.revision !== lastRevision) {
      lastRevision = etcd.revision
      visit(cluster.state())
      invariants.check()
    }
    if (invariants.violation) throw invariants.violation
  }

  try {
    let ended = false
    let failure: Error | undefined
    const everyAgent = () => cluster.etcd.list('hosts/').entries.length === cluster.machines.size
    const begun = director.until('every agent', () => scenario in trustedPoolScenarios || everyAgent())
    void begun
      .then(() => scenarios[scenario]!(director))
      .then(
        () => (ended = true),
        (error: Error) => (failure = error),
      )
    const start = world.nowMs
    while (!ended) {
      if (failure) throw failure
      if (world.nowMs - start > endMs) throw new Violation(`the end is not reached: ${remains(cluster)}`)
      await advance()
    }
    crashing = false
    const settle = world.nowMs
    while (remains(cluster) !== '') {
      if (world.nowMs - settle > settleMs) throw new Violation(`not clean afterwards: ${remains(cluster)}`)
      await advance()
    }
    return { wrong: undefined, points, deaths: cluster.deaths, events: world.events, story: cluster.story }
  } catch (error) {
    const wrong = error instanceof Violation ? error.message : String((error as Error).stack)
    return { wrong, points, deaths: cluster.deaths, events: world.events, story: cluster.story }
  } finally {
    cluster.close()
  }
}

/** What a clean cluster has not; empty when it is clean. */
function remains(cluster: SimulatedCluster): string {
  const keys = cluster.etcd
    .list('')
    .entries.map(({ key }) => key)
    .filter((key) =>
      /^(buffers|sessions|events)\/|^(desired|observed)\/[^/]+\/(brick|volume|mount|swap|transfer)/.test(key),
    )
  const disks = cluster.disks().filter(({ disk }) => disk.content.kind !== 'blank')
  const machines = [...cluster.machines.values()]
  return [
    ...keys,
    ...[...cluster.gluster.volumes.keys()].map((volume) => `volume ${volume}`),
    ...disks.map(({ machine, disk }) => `${machine.name}/${disk.name} holds ${JSON.stringify(disk.content)}`),
    ...machines.flatMap(({ name, mounted }) => [...mounted.keys()].map((device) => `${name} has ${device} mounted`)),
    ...machines.flatMap(({ name, swaps }) =>
      [...swaps].filter(([, { isAttached }]) => isAttached).map(([path]) => `${name} has swap in ${path}`),
    ),
    ...machines.flatMap(({ name, transfers }) =>
      [...transfers.keys()].map((id) => `${name} has ${id} mounted to copy`),
    ),
    ...machines.flatMap(({ name, served }) => [...served.keys()].map((device) => `${name} serves ${device}`)),
    ...machines.flatMap(({ name, fences }) => [...fences.keys()].map((volume) => `${name} lets hosts in to ${volume}`)),
    ...machines.flatMap(({ name, clients }) => [...clients.keys()].map((path) => `${name} has ${path} mounted`)),
  ].join(', ')
}
