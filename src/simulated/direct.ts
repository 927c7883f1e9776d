import { X509Certificate } from 'node:crypto'
import type { DirectVolumeFacts } from '../agent/port/host.js'
import { brickMountPath } from '../model/cluster.js'
import type { BrickTls, Credential, DirectBrick, DirectSource } from '../model/documents/direct.js'
import type { DesiredMount } from '../model/documents/mount.js'
import type { DirectVolume } from '../model/documents/volume.js'
import { servedFingerprintOf } from '../model/fingerprint.js'
import { bootOf, type SimulatedDisk, type SimulatedMachine, type SimulatedProcess } from './machine.js'

type Act = () => void

/*
 * The processes of the data plane `direct` on simulated machines, with what real ones do: one serves no file system but that of
 * its brick, ends when its port is taken, lets nobody in who does not know the login, and goes on with what it was started with.
 */
let nextPid = 100_000

export function volumeFacts(machine: SimulatedMachine, volume: DirectVolume): DirectVolumeFacts {
  const named = new Set(volume.bricks.map(({ device }) => device))
  const made = volume.bricks.map((brick) => filesOf(machine, volume, brick)?.exports ?? new Set())
  return {
    type: 'direct',
    bricks: volume.bricks.map((brick) => {
      const process = processOf(machine, volume, brick.device)
      const isCurrent = process?.startedWith === servedFingerprintOf(volume, brick)
      return {
        device: brick.device,
        path: `${brickMountPath(brick.device)}/${volume.directory}`,
        isReady: filesOf(machine, volume, brick) !== undefined,
        ...(process ? { process: { pid: process.pid, isCurrent } } : {}),
        answers: isCurrent && !process?.silent,
        ...(process?.silent === 'hung' ? { hangs: true } : {}),
        isPortTaken: !process && isTaken(machine, brick.port),
      }
    }),
    others: [...machine.served].flatMap(([device, { pid, volume: of, port }]) =>
      of === volume.volume && port !== undefined && !named.has(device) ? [{ device, pid }] : [],
    ),
    directories: volume.exports.map(({ directory }) => directory).filter((path) => made.every((all) => all.has(path))),
    isFenced: machine.hasOwnFilter || machine.fences.get(volume.volume) === fenceOf(volume),
    ...(isOlder(machine, volume) ? { haveOldCertificates: true as const } : {}),
    isLeft: machine.fences.has(volume.volume),
    boots: { [machine.name]: bootOf(machine) },
  }
}

export function makeExports(machine: SimulatedMachine, volume: DirectVolume): Act {
  return () => {
    for (const brick of volume.bricks)
      for (const { directory } of volume.exports) filesOf(machine, volume, brick)?.exports.add(directory)
  }
}

export function admitClients(machine: SimulatedMachine, volume: DirectVolume): Act {
  return () => {
    machine.fences.set(volume.volume, fenceOf(volume))
  }
}

export function startBrick(machine: SimulatedMachine, volume: DirectVolume, device: string): Act {
  return () => {
    const brick = volume.bricks.find((wanted) => wanted.device === device)!
    const files = filesOf(machine, volume, brick)
    if (!files) throw new Error(`glusterfsd: ${device} is not the brick ${brick.uuid}`)
    for (const { directory } of volume.exports)
      if (!files.exports.has(directory)) throw new Error(`glusterfsd: ${device} has no directory ${directory}`)
    if (isTaken(machine, brick.port)) throw new Error(`glusterfsd: port ${brick.port} is in use`)
    if (machine.served.has(device)) throw new Error(`glusterfsd: ${device} is served already`)
    const { port } = brick
    const opens = new Map(volume.exports.map(({ name, login, holder }) => [name, login?.password ?? holder!]))
    const startedWith = servedFingerprintOf(volume, brick)
    const process = { pid: nextPid++, volume: volume.volume, port, opens, startedWith }
    machine.served.set(device, { ...process, ...(volume.tls ? { tls: volume.tls } : {}) })
  }
}

export function stopBrick(machine: SimulatedMachine, device: string, pid: number): Act {
  return () => {
    if (machine.served.get(device)?.pid === pid) machine.served.delete(device)
  }
}

export function closePorts(machine: SimulatedMachine, { volume }: DirectVolume): Act {
  return () => {
    machine.fences.delete(volume)
  }
}

/** The processes show the document's certificates from now on. */
export function renewCertificates(machine: SimulatedMachine, { tls, bricks }: DirectVolume): Act {
  return () => {
    for (const { device } of bricks) {
      const process = machine.served.get(device)
      if (process?.tls && tls) process.tls = tls
    }
  }
}

/** The mount's client shows the document's certificate from now on. */
export function renewCertificate(machine: SimulatedMachine, { path, direct }: DesiredMount): void {
  const client = machine.clients.get(path)
  if (client && direct?.tls) client.certificate = direct.tls.certificate
}

/** Sessions that mount at one path show one certificate. */
export function hasOldCertificate(machine: SimulatedMachine, { path, direct }: DesiredMount): boolean {
  const shown = machine.clients.get(path)?.certificate
  return shown !== undefined && direct?.tls !== undefined && beginOf(shown) < beginOf(direct.tls.certificate)
}

function beginOf(certificate: string): number {
  return Date.parse(new X509Certificate(certificate).validFrom)
}

/** Throws unless every brick lets that machine in with that login or certificate, and shows one that it believes. */
export function connect(
  machines: ReadonlyMap<string, SimulatedMachine>,
  client: SimulatedMachine,
  { export: name, login, tls, bricks }: DirectSource,
): void {
  for (const { address, port } of bricks) {
    const server = machines.get(address)
    const isThere = server?.isOn && (server === client || (server.isConnected && client.isConnected))
    const found = isThere ? [...server.served].find(([, process]) => process.port === port)?.[1] : undefined
    if (!found) throw new Error(`${address}:${port}: connection refused`)
    if (found.silent) throw new Error(`${address}:${port}: no answer`)
    const { clients } = fenceParts(server!.fences.get(found.volume))
    if (!server!.hasOwnFilter && !clients.includes(client.name))
      throw new Error(`${address}:${port}: connection timed out`)
    const isOpened = tls
      ? found.tls && isBelieved(tls, found.tls, found.opens?.get(name))
      : found.opens?.get(name) === login?.password
    if (!isOpened) throw new Error(`${address}:${port}: authentication failed`)
  }
}

/** Both sides believe each other's certificates, and the client's is of a holder that may open the export. */
function isBelieved(client: Credential, { serves, storage }: BrickTls, holder: string | undefined): boolean {
  const [shown, served] = [client, serves].map(({ certificate }) => new X509Certificate(certificate)) as [
    X509Certificate,
    X509Certificate,
  ]
  const isOf = (certificate: X509Certificate, authority: string) =>
    certificate.verify(new X509Certificate(authority).publicKey)
  const holders = [holder, storage].map((each) => `CN=${each}.`)
  return (
    isOf(shown, serves.authority) &&
    isOf(served, client.authority) &&
    holders.some((each) => shown.subject.startsWith(each))
  )
}

/** Bricks of it that nobody serves there, as `address:port`. */
export function offlineBricks(machines: ReadonlyMap<string, SimulatedMachine>, { bricks }: DirectSource): string[] {
  return bricks
    .filter(({ address, port }) => {
      const server = machines.get(address)
      const serves = (process: SimulatedProcess) => process.port === port && !process.silent
      return !server?.isOn || ![...server.served.values()].some(serves)
    })
    .map(({ address, port }) => `${address}:${port}`)
}

function isOlder(machine: SimulatedMachine, { tls, bricks, volume }: DirectVolume): boolean {
  return bricks.some(({ device }) => {
    const process = machine.served.get(device)
    return process?.volume === volume && process.tls?.serves.certificate !== tls?.serves.certificate
  })
}

function fenceOf({ clients, bricks }: DirectVolume): string {
  return JSON.stringify([[...clients].sort(), bricks.map(({ port }) => port)])
}

/** Who may connect to which ports. */
export function fenceParts(fence = '[[],[]]'): { clients: string[]; ports: number[] } {
  const [clients, ports] = JSON.parse(fence) as [string[], number[]]
  return { clients, ports }
}

function isTaken(machine: SimulatedMachine, port: number): boolean {
  return machine.foreignPorts.has(port) || [...machine.served.values()].some((process) => process.port === port)
}

function processOf(machine: SimulatedMachine, { volume }: DirectVolume, device: string) {
  const process = machine.served.get(device)
  return process?.port !== undefined && process.volume === volume ? process : undefined
}

/** Of a brick that is mounted, stamped, and has its directory. */
function filesOf(
  machine: SimulatedMachine,
  { directory }: DirectVolume,
  { device, uuid }: DirectBrick,
): SimulatedDisk['files'] | undefined {
  const files = machine.mounted.get(device)?.files
  return files?.stamp === uuid && files.directories.has(directory) ? files : undefined
}
