import type { Clock } from '../../../../daemon/clock.js'
import type { Log } from '../../../../daemon/log.js'
import { type Run, runCommand } from '../../exec/run.js'
import type { FollowedContainer, FollowOptions } from './container.js'
import { PacketFilter, type PortRange, type Servers } from './packetFilter.js'
import type { GlusterdSettings } from './settings.js'

export interface DataPlaneService {
  /** Runs the plane's own commands, where they do not run on the host itself. */
  run: Run | undefined
  /** This host is about to mount from them. */
  learnServers(servers: Servers): Promise<void>
  /** Calls back when what its commands run in came or went. */
  onChange(callback: (isThere: boolean) => void): void
  /** Follows and guards nothing any more; the rules of the packet filter stay, as mounts do. */
  close(): void
}

export interface ServiceOptions {
  settings: GlusterdSettings & { roles: readonly string[] }
  /** Ports of bricks that agents serve themselves, unless a mount names others. */
  ownBrickPorts: PortRange
  clock: Clock
  log: Log
  /** Hears what an operator has to fix of the packet filter; undefined when all is well again. */
  onFilterProblem(problem: string | undefined): void
}

/** What this plane needs for as long as the agent runs: the container that GlusterFS may run in, and the packet filter. */
export async function openService({
  settings,
  ownBrickPorts,
  clock,
  log,
  onFilterProblem,
}: ServiceOptions): Promise<DataPlaneService> {
  const container = await followedContainer(settings, { clock, log })
  await container?.begin()
  const { enabled, storageHosts } = settings.packetFilter
  const filter = new PacketFilter({
    enabled: enabled && settings.roles.includes('compute'),
    storageHosts,
    ownBrickPorts,
    run: runCommand,
    clock,
    log,
    onProblem: onFilterProblem,
  })
  await filter.start()
  return {
    run: container?.run,
    learnServers: (servers) => filter.learn(servers),
    onChange: (callback) => container?.onChange(() => callback(container.waitingFor() === undefined)),
    close: () => {
      container?.close()
      filter.close()
    },
  }
}

/**
 * Where GlusterFS runs in a container: commands go there, and what it lacks is waited for. The engine's client takes 7 to 10
 * MB, so it is loaded only where it is used.
 */
async function followedContainer(
  { gluster }: GlusterdSettings,
  options: Omit<FollowOptions, 'engine' | 'container'>,
): Promise<FollowedContainer | undefined> {
  if (!gluster) return undefined
  const { FollowedContainer } = await import('./container.js')
  const { engineAt } = await import('./engine.js')
  return new FollowedContainer({ ...options, engine: engineAt(gluster.socket), container: gluster.container })
}
