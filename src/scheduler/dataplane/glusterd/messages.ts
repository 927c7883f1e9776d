import type { ByHand } from '../common/dataPlane.js'

/* What is said about GlusterFS's volumes. Tests compare with these functions, so that a wording is changed here alone. */

export const directoriesAreUsed = () =>
  'an earlier attempt to create the volume has marked the brick directories: new brick directories are used'
/** `help` is what a user can do instead of using fewer nodes. */
export const tooManyClients = (buffer: string, maxBytes: number, help: string) =>
  `buffer ${buffer} is used by too many nodes: GlusterFS takes at most ${maxBytes} bytes of their addresses. Use fewer nodes, ${help}`
export const orStripedAccess = () => 'or striped access without swap'
export const orComputeNetworks = () => 'or ask the operators to set computeNetworks in scheduler.yaml'

// The trusted pool
export const founderIsAway = (host: string) =>
  `the trusted pool waits for host ${host}, which began it: start its agent, or, if the host will not come back, take it out of storageHosts in scheduler.yaml`
const leavePool = (hosts: string) =>
  `remove the buffers that have bricks on ${hosts}, and run gluster peer detach there for each of its peers: it is then invited again`
export const poolIsSplit = (pools: string[][]) =>
  `there are several trusted pools, and no buffer can be made on hosts of two: ${pools.map(listOfHosts).join('; ')}. ` +
  `Choose the pool to keep. For each host of the others, ${leavePool('it')}`
export const cannotBeInvited = (by: string, host: string, problem: string) =>
  `host ${host} cannot be invited into the trusted pool by ${by}: ${problem}. ` +
  `If gluster peer status on ${host} shows that it is in another pool, ${leavePool(host)}`
const maxListed = 20
const listOfHosts = (hosts: string[]) =>
  hosts.slice(0, maxListed).join(', ') + (hosts.length > maxListed ? ` and ${hosts.length - maxListed} more` : '')

/** What operators do with volumes by hand. */
export const byHand: ByHand = {
  listVolumes: 'gluster volume list',
  nameOf: (volume) => `gluster volume ${volume}`,
  notFound: (volume) => `GlusterFS has no volume ${volume}`,
  remove: (volume, host) =>
    `check on ${host} that nobody needs it, then run gluster volume stop ${volume} and gluster volume delete ${volume}`,
}
