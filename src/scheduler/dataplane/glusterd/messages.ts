import type { ByHand } from '../common/dataPlane.js'

/* What is said about GlusterFS's volumes. Tests compare with these functions, so that a wording is changed here alone. */

export const directoriesAreUsed = () =>
  'an earlier attempt to create the volume has marked the brick directories: new brick directories are used'
/** `help` is what a user can do instead of using fewer nodes. */
export const tooManyClients = (buffer: string, maxBytes: number, help: string) =>
  `buffer ${buffer} is used by too many nodes: GlusterFS takes at most ${maxBytes} bytes of their addresses. Use fewer nodes, ${help}`
export const orStripedAccess = () => 'or striped access without swap'
export const orComputeNetworks = () => 'or ask the operators to set computeNetworks in scheduler.yaml'

/** What operators do with volumes by hand. */
export const byHand: ByHand = {
  listVolumes: 'gluster volume list',
  nameOf: (volume) => `gluster volume ${volume}`,
  notFound: (volume) => `GlusterFS has no volume ${volume}`,
  remove: (volume, host) =>
    `check on ${host} that nobody needs it, then run gluster volume stop ${volume} and gluster volume delete ${volume}`,
}
