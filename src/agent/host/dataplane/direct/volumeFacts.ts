import { statfs } from 'node:fs/promises'
import { brickPath } from '../../../../model/cluster.js'
import type { DirectBrick } from '../../../../model/documents/direct.js'
import type { DirectVolume } from '../../../../model/documents/volume.js'
import { servedFingerprintOf } from '../../../../model/fingerprint.js'
import type { DirectBrickFacts, DirectVolumeFacts } from '../../../port/host.js'
import { isOutdated } from './credentials.js'
import { exportsMade } from './exports.js'
import { type Directories, filesOf } from './files.js'
import { exportWord } from './exportWord.js'
import type { HangWatch } from './hangWatch.js'
import { deviceOf, type RunningBrick } from './ownBricks.js'
import { type Answer, probeBrick, probeTlsOf } from './probe.js'

/** What the facts of a volume are made from. */
export interface Seen {
  /** Brick processes of this host. */
  running: readonly RunningBrick[]
  /** Ports that something listens on. */
  listening: Pick<ReadonlyMap<number, unknown>, 'has'>
  isFenced: boolean
  isLeft: boolean
  boots: Record<string, string> | undefined
  hangWatch: Pick<HangWatch, 'hangs'>
  /** Its own file system is mounted with its stamp, and that directory is in it. */
  isReady(brick: DirectBrick, directory: string): Promise<boolean>
  directories: Directories
  /** In unix seconds. */
  now: number
}

const answerMs = 3_000

/** The facts of a volume's bricks on this host, from what was seen there. Probes each brick that should answer. */
export async function volumeFacts(volume: DirectVolume, seen: Seen): Promise<DirectVolumeFacts> {
  const bricks = await Promise.all(volume.bricks.map((brick) => brickFacts(volume, brick, seen)))
  const uuids = new Set(volume.bricks.map(({ uuid }) => uuid))
  const others = seen.running.filter((each) => each.volume === volume.volume && !uuids.has(each.uuid))
  const { isFenced, isLeft, boots } = seen
  return {
    type: 'direct',
    bricks,
    others: others.map((each) => ({ device: deviceOf(each), pid: each.pid })),
    directories: await exportsMade(
      bricks.flatMap(({ isReady, path }) => (isReady ? [path] : [])),
      volume.exports,
    ),
    isFenced,
    ...(volume.wanted === 'absent' ? { isLeft } : {}),
    ...((await haveOutdated(volume, bricks, seen)) ? { haveOldCertificates: true as const } : {}),
    ...(boots ? { boots } : {}),
  }
}

async function haveOutdated(
  { tls, bricks }: DirectVolume,
  facts: readonly DirectBrickFacts[],
  { directories, now }: Seen,
): Promise<boolean> {
  if (!tls) return false
  const running = bricks.filter((_, index) => facts[index]!.process?.isCurrent)
  const outdated = running.map(({ uuid }) => isOutdated(filesOf('brick', uuid, directories), tls.serves, now))
  return (await Promise.all(outdated)).includes(true)
}

async function brickFacts(volume: DirectVolume, brick: DirectBrick, seen: Seen): Promise<DirectBrickFacts> {
  const { device, uuid, port } = brick
  const path = brickPath(device, volume.directory)
  const isReady = await seen.isReady(brick, volume.directory)
  const found = seen.running.find((each) => each.uuid === uuid)
  const size = isReady ? await sizeOf(path) : {}
  if (!found) {
    const isPortTaken = seen.listening.has(port)
    return { device, path, isReady, ...size, answers: false, ...(isPortTaken ? { isPortTaken } : {}) }
  }
  const isCurrent = found.fingerprint === servedFingerprintOf(volume, brick) && found.directory === path
  const facts = { device, path, isReady, ...size, process: { pid: found.pid, isCurrent } }
  const answer = volume.wanted === 'started' && isCurrent ? await answerOf(volume, port) : undefined
  if (!answer) return { ...facts, answers: false }
  const hangs = await seen.hangWatch.hangs(uuid, found, answer)
  return { ...facts, answers: answer.kind === 'accepted', ...(hangs ? { hangs } : {}) }
}

/** Of a file system that has failed nothing is known, and its other bricks are looked at all the same. */
async function sizeOf(path: string): Promise<Pick<DirectBrickFacts, 'totalBytes'>> {
  const found = await statfs(path).catch(() => undefined)
  return found ? { totalBytes: found.blocks * found.bsize } : {}
}

/**
 * What the brick process on that port answers to the login (or the certificate) of the first export, which stands for all: one process serves them,
 * and does not start without one of them. Undefined for a volume without exports.
 */
export async function answerOf({ exports, tls }: DirectVolume, port: number): Promise<Answer | undefined> {
  const [first] = exports
  if (!first) return undefined
  const { name, login } = first
  const access = tls ? { tls: probeTlsOf(tls.asks) } : { login }
  return probeBrick({ host: '127.0.0.1', port, export: exportWord(name), ...access, timeoutMs: answerMs })
}
