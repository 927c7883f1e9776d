import { join } from 'node:path'
import Docker from 'dockerode'
import { IsolatedDockerd } from './isolatedDockerd.js'
import { LocalEngine } from './dockerd.js'
import * as messages from './messages.js'

/** A container engine that answers. */
export interface Reached {
  docker: Docker
  /** As in DOCKER_HOST. */
  address: string
}

/** The engine that a cluster runs on. */
export interface Backend extends Reached {
  /** Whether it is the machine's engine, which has other users. */
  readonly isShared: boolean
  /** Calls back with an engine that reaches other networks, to make images; the cluster's engine keeps them. */
  withOutside(make: (engine: Reached) => Promise<void>): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
  isUp(): Promise<boolean>
}

/** The folder in which our own engine keeps its images between runs: making them takes minutes. */
export const engineFolder = (labs: string) => join(labs, 'engine')

/** The machine's engine if it answers, otherwise one of our own. Throws with the reason if there can be none. */
export async function chooseBackend(labs: string, which: 'any' | 'own' = 'any'): Promise<Backend> {
  if (which === 'any') {
    const machine = machineEngine()
    const refused = await refusalOf(machine)
    if (refused === undefined) return machine
    if (process.env['DOCKER_HOST'] !== undefined || refused === 'EACCES')
      throw new Error(describeRefusal(machine, refused))
  }
  const impossible = LocalEngine.impossible()
  if (impossible === undefined) return ownEngine(labs)
  throw new Error(which === 'any' ? messages.noEngine(machineEngine().address, impossible) : impossible)
}

export function machineEngine(): Backend {
  const address = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock'
  const reached = { docker: new Docker(), address }
  return {
    ...reached,
    isShared: true,
    withOutside: (make) => make(reached),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    isUp: async () => (await refusalOf(reached)) === undefined,
  }
}

export function ownEngine(labs: string): Backend {
  const apart = new IsolatedDockerd(engineFolder(labs))
  return {
    docker: apart.docker,
    address: `unix://${apart.socket}`,
    isShared: false,
    withOutside: async (make) => {
      const engine = new LocalEngine(engineFolder(labs))
      try {
        await engine.start()
        await make({ docker: engine.docker, address: `unix://${engine.socket}` })
      } finally {
        await engine.close()
      }
    },
    start: () => apart.start(),
    stop: () => apart.stop(),
    isUp: () => Promise.resolve(apart.isUp()),
  }
}

/** Why an engine does not answer: the code or message of the error; undefined if it answers. */
async function refusalOf({ docker }: Reached): Promise<string | undefined> {
  return docker.ping().then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
}

function describeRefusal({ address }: Reached, refused: string): string {
  return refused === 'EACCES' ? messages.permissionDenied(address) : messages.engineUnreachable(address, refused)
}
