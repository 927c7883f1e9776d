import { brickRoot } from '../../../../model/cluster.js'
import { isWithin } from '../../../../model/paths.js'

/** What the engine says of a container that matters here. Source: Docker Engine API, ContainerInspect. */
export interface Inspected {
  State: { Status: string; ExitCode: number; Error: string; Health?: { Status: string } | undefined }
  Mounts: { Source: string; Destination: string; Propagation: string }[]
}

/** `start`: it is stopped, and only waits to be started. `waitingFor`: why no command can be run in it now. */
export type Judgement = { start?: true; waitingFor?: string }

/** What has to happen before GlusterFS can be asked in that container; `undefined`: the engine has none of that name. */
export function judge(name: string, inspected: Inspected | undefined): Judgement {
  const container = `container ${name}`
  if (!inspected) return { waitingFor: `${container} to be made: the engine has none of that name` }
  const { Status, ExitCode, Error, Health } = inspected.State
  switch (Status) {
    case 'created':
    case 'exited': {
      const why = Status === 'created' ? 'it was never started' : `it ended with exit code ${ExitCode}`
      return { start: true, waitingFor: `${container} to start: ${why}${Error ? `: ${Error}` : ''}` }
    }
    case 'running':
      break
    case 'restarting':
      return {
        waitingFor: `${container} to stay up: the engine restarts it, it ended with exit code ${ExitCode}; see its logs`,
      }
    case 'paused':
      return { waitingFor: `${container} to be unpaused` }
    default:
      return { waitingFor: `${container} to be made anew: the engine calls it ${Status}` }
  }
  if (Health?.Status === 'unhealthy') return { waitingFor: `${container} to be healthy: its health check fails` }
  if (Health?.Status === 'starting')
    return { waitingFor: `${container} to be healthy: its health check has not passed yet` }
  return seesBricks(inspected) ? {} : { waitingFor: `${container} to see the bricks: make it with ${bindMount}` }
}

const bindMount = `the bind mount ${brickRoot}:${brickRoot}:rshared`

/** Bricks are mounted on the host, and reach the container by propagation alone. */
function seesBricks({ Mounts }: Inspected): boolean {
  return Mounts.some(
    ({ Source, Destination, Propagation }) =>
      Source === Destination &&
      isWithin(brickRoot, Destination) &&
      ['rshared', 'rslave', 'shared', 'slave'].includes(Propagation),
  )
}
