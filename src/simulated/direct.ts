import type { DirectVolumeFacts } from '../agent/port/host.js'
import { brickMountPath } from '../model/cluster.js'
import type { DirectBrick, DirectSource } from '../model/documents/direct.js'
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
    isFenced: machine.fences.get(volume.volume) === fenceOf(volume),
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
    if (!filesOf(machine, volume, brick)) throw new Error(`glusterfsd: ${device} is not the brick ${brick.uuid}`)
    if (isTaken(machine, brick.port)) throw new Error(`glusterfsd: port ${brick.port} is in use`)
    if (machine.served.has(device)) throw new Error(`glusterfsd: ${device} is served already`)
    const { port } = brick
    const logins = new Map(volume.exports.map(({ name, login }) => [name, login.password]))
    const startedWith = servedFingerprintOf(volume, brick)
    machine.served.set(device, { pid: nextPid++, volume: volume.volume, port, logins, startedWith })
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

/** Throws unless every brick lets that machine in with that login. */
export function connect(
  machines: ReadonlyMap<string, SimulatedMachine>,
  client: SimulatedMachine,
  { export: name, login, bricks }: DirectSource,
): void {
  for (const { address, port } of bricks) {
    const server = machines.get(address)
    const isThere = server?.isOn && (server === client || (server.isConnected && client.isConnected))
    const found = isThere ? [...server.served].find(([, process]) => process.port === port)?.[1] : undefined
    if (!found) throw new Error(`${address}:${port}: connection refused`)
    if (found.silent) throw new Error(`${address}:${port}: no answer`)
    const admitted = (JSON.parse(server!.fences.get(found.volume) ?? '[[]]') as [string[]])[0]
    if (!admitted.includes(client.name)) throw new Error(`${address}:${port}: connection timed out`)
    if (found.logins?.get(name) !== login.password) throw new Error(`${address}:${port}: authentication failed`)
  }
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

function fenceOf({ clients, bricks }: DirectVolume): string {
  return JSON.stringify([[...clients].sort(), bricks.map(({ port }) => port)])
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
