import { quote } from '../../../../model/names.js'
import type { ClientFailure, StartFailure } from './startFailure.js'

/* What operators read of processes that do not start, of their version, and of the fence. */

export const brickNotStarted = (
  failure: StartFailure,
  { directory, address, port, said }: { directory: string; address: string; port: number; said: string },
) => `the brick ${directory} is not served: ${reasons[failure]({ directory, address, port })}${said && ` (${said})`}`

type Where = { directory: string; address: string; port: number }

const reasons: Record<StartFailure, (where: Where) => string> = {
  portInUse: ({ address, port }) => `port ${port} of ${address} is in use by another program`,
  addressMissing: ({ address }) => `this host does not have the address ${address}`,
  directoryMissing: ({ directory }) => `there is no directory ${directory}`,
  volumeIdMissing: () => 'its directory does not carry the id of its volume: its device may not be mounted',
  volumeIdDiffers: () => 'its directory carries the id of another volume',
  indexMissing: ({ directory }) => `there is no directory ${directory}/.glusterfs`,
  alreadyRunning: () => 'another process for it is running already',
  certificate: () => 'its certificate, its key or its certificate authority cannot be read',
  volfileRefused: () => 'GlusterFS refuses its volfile',
  unknown: () => 'GlusterFS does not say why',
}

export const notMounted = (failure: ClientFailure, mountPoint: string, said: string) =>
  `${mountPoint} is not mounted: ${clientReasons[failure]}${said && ` (${said})`}`

const clientReasons: Record<ClientFailure, string> = {
  wrongLogin: 'a brick refuses the login or the certificate',
  unknownExport: 'a brick process does not serve that export',
  unknownHost: 'the name of a storage host is not found',
  certificate: 'its certificate, its key or its certificate authority cannot be read',
  notConnected: 'no brick answers',
  noMountPoint: 'there is no such directory',
  alreadyRunning: 'another client for it is running already',
  volfileRefused: 'GlusterFS refuses its volfile',
  unknown: 'GlusterFS does not say why',
}

export const versionNotTried = (version: string, tried: readonly string[]) =>
  `GlusterFS ${version} was not tested with bricks that the agents start themselves; ${tried.join(', ')} was`

// Certificates. `whose`: of what they are
const since = (unixSeconds: number) => new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z')
export const certificateRanOut = (whose: string, unixSeconds: number) =>
  `the certificate ${whose} ran out at ${since(unixSeconds)}: set this host's clock if it is wrong; otherwise start a scheduler, which renews certificates`
export const certificateNotYetValid = (whose: string, unixSeconds: number) =>
  `the certificate ${whose} is valid only from ${since(unixSeconds)}: set this host's clock`
export const toServe = (volume: string) => `to serve volume ${volume}`
export const toMount = (volume: string) => `to mount volume ${volume}`
export const noLogin = (what: string) => `${what} has neither a login nor a certificate`

// What stands in the way of serving bricks
export const exportsOverlap = (inner: string, outer: string) =>
  `the export ${inner} lies in the export ${outer}: each has to be a file system of its own`
export const notADirectory = (path: string) => `${path} is not a directory: exports cannot be made below it`
export const notInstalled = (program: string) => `${program} is not installed on this host: install GlusterFS's server`
export const brickNotReady = (device: string) => `brick ${device} to be mounted`
export const fenceNotSupported = () => 'this release has no filter for the ports of bricks yet: nothing is served'
export const portNotFenced = (port: number) => `port ${port} is open to everybody: nothing is served on it`
export const bricksOffline = (bricks: string[]) => `bricks are not online: ${bricks.join(', ')}`
export const isServedFor = (volume: string, pid: number) =>
  `process ${pid} serves it for the volume ${volume}, whose ports are open`
export const brickAnswersAgain = (device: string) => `brick ${device} answers again`
export const stillServed = (directory: string, pid: number) => `process ${pid} still serves the brick ${directory}`

// The fence of brick ports
export const fenceIsOff = () =>
  'packetFilter is off: any host that reaches the ports of bricks may try to log in, unless a filter of the site stops it'
export const fenceNotKept = (reason: string) =>
  `hosts that should not reach the ports of bricks may reach them: the nftables rules cannot be kept: ${reason}`
export const clientsNotFound = (names: readonly string[]) =>
  `bricks do not let in ${names.join(', ')}: the name is not found`
export const notAPort = (port: number) => `${port} is not a port: expected 1 to 65535`
export const notAVolume = (name: string) => `${quote(name)} is not the name of a volume`
export const portIsServed = (port: number, volume: string) =>
  `port ${port} of volume ${volume} stays closed to others while a program listens on it`
