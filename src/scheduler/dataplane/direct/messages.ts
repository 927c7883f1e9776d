import type { Unclaimed } from '../common/dataPlane.js'

/** What a host says of a volume that no buffer has there. */
export const unclaimed: Unclaimed = {
  nameOf: (volume, host) => `volume ${volume} on ${host}`,
  found: ({ devices, ports }) =>
    devices.length > 0
      ? `no buffer has it there, and processes serve it: ${devices.join(', ')}`
      : `no buffer has it there, and its ports are in the packet filter: ${ports.join(', ')}`,
  remove: (host, { volume, devices, ports }) =>
    devices.length > 0
      ? `check on ${host} that nobody needs it, then run pkill -f 'process-name=${volume}[.]' there`
      : `on ${host}: systemctl stop bb-agent, nft delete element inet burstbuffer_bricks to_ports '{ ${ports.join(', ')} }', systemctl start bb-agent`,
}

export function servesNone(host: string): string {
  return `storage host ${host} serves no bricks of the data plane "direct": its agent is of an older release`
}

export function noPortLeft(host: string, { first, last }: { first: number; last: number }): string {
  return `storage host ${host} has no port left for another brick: all of brickPorts ${first}-${last} are taken`
}

export function portMoved({ host, device }: { host: string; device: string }, from: number, to: number): string {
  return `brick ${device} on ${host} moved from port ${from} to ${to}: another program listens there`
}
