export function servesNone(host: string): string {
  return `storage host ${host} serves no bricks of the data plane "direct": its agent is of an older release`
}

export function noPortLeft(host: string, { first, last }: { first: number; last: number }): string {
  return `storage host ${host} has no port left for another brick: all of brickPorts ${first}-${last} are taken`
}

export function portMoved({ host, device }: { host: string; device: string }, from: number, to: number): string {
  return `brick ${device} on ${host} moved from port ${from} to ${to}: another program listens there`
}
