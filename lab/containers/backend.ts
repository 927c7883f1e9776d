import { join } from 'node:path'
import Docker from 'dockerode'
import { IsolatedDockerd } from './isolatedDockerd.js'
import { LocalEngine } from './dockerd.js'

/** A container engine that can be spoken to. */
export interface Reached {
  docker: Docker
  /** As in DOCKER_HOST. */
  address: string
}

/** The engine that a cluster runs on. */
export interface Backend extends Reached {
  /** It is the machine's, and has other users. */
  readonly isShared: boolean
  /** Hands an engine that reaches the outside, and keeps what is made with it: images. */
  withOutside(make: (engine: Reached) => Promise<void>): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
  isUp(): Promise<boolean>
}

/** Images of engines of our own are kept here between runs; making them takes minutes. */
export const engineFolder = (labs: string) => join(labs, 'engine')

/** The machine's engine where one answers, else one of our own; throws with the reason where there can be none. */
export async function chooseBackend(labs: string, which: 'any' | 'own' = 'any'): Promise<Backend> {
  if (which === 'any') {
    const machine = machineEngine()
    const refused = await refusalOf(machine)
    if (refused === undefined) return machine
    if (process.env['DOCKER_HOST'] !== undefined || refused === 'EACCES') throw new Error(inWords(machine, refused))
  }
  const impossible = LocalEngine.impossible()
  if (impossible === undefined) return ownEngine(labs)
  throw new Error(
    which === 'any'
      ? `no container engine answers at ${machineEngine().address}, and none of our own can be started: ${impossible}`
      : impossible,
  )
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

/** The code of the error by which it cannot be reached, if so. */
async function refusalOf({ docker }: Reached): Promise<string | undefined> {
  return docker.ping().then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  )
}

function inWords({ address }: Reached, refused: string): string {
  if (refused === 'EACCES')
    return `no access to the container engine at ${address}: run this as root, or as a member of its group`
  return `the container engine at ${address} (DOCKER_HOST) does not answer: ${refused}`
}
