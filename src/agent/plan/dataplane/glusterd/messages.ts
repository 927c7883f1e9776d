/*
 * What operators read of a volume or a peer that cannot become as desired, mostly as in "waits for …". Tests compare
 * with these functions, so that a wording is changed here alone.
 */

export const glusterdToAnswer = (host: string) => `glusterd on ${host} to answer`
export const toBeInvited = () => 'another storage host to invite this one into the trusted pool'
/** `unavailable`: why this host's glusterd cannot be asked. The volume keeps its bricks until it is stopped. */
export const volumeToBeDeleted = (unavailable: string) =>
  `${unavailable} (start glusterd on this host; if it cannot be started, stop this host's agent: another host then stops the volume)`
export const peerToConnect = (host: string) => `gluster peer ${host} to connect`
export const brickToComeOnline = (brick: string) => `brick ${brick} to come online`
export const anotherVolume = (volume: string, bricks: readonly string[]) =>
  `there is another volume ${volume} with the bricks ${bricks.join(', ')}`
