import { brickPath } from '../../../../model/cluster.js'
import type { BrickExport, DirectBrick } from '../../../../model/documents/direct.js'
import type { DirectVolume } from '../../../../model/documents/volume.js'
import { servedFingerprintOf } from '../../../../model/fingerprint.js'
import { endProcess } from '../../exec/processes.js'
import type { Run } from '../../exec/run.js'
import { runningBrick, startBrick } from './brickStart.js'
import { requireValid, tlsFilesOf, writeCredential } from './credentials.js'
import { exportWord } from './exportWord.js'
import { type Directories, filesOf, type ProcessFiles, removeFiles } from './files.js'
import { everyAddress } from './listenAddress.js'
import { removeLog } from './logs.js'
import { noLogin, stillServed, toServe } from './messages.js'
import { ownBricks } from './ownBricks.js'
import type { BrickProcess, Login } from './types.js'

/* From a volume's document to the processes of its bricks on this host. */

export interface BrickMeans {
  directories: Directories
  run: Run
  /** Logs what an operator should know, but does not prevent the start. */
  warn: (phrase: string, fields: object) => void
  /** In unix seconds. */
  now: () => number
}

/** As the agent: a job would lose its buffer when memory is short. */
const oomScoreAdj = -500
const endMs = 10_000

/** Throws what `startBrick` throws. */
export async function serveBrick(
  volume: DirectVolume,
  brick: DirectBrick,
  { directories, run, warn, now }: BrickMeans,
): Promise<void> {
  const files = filesOf('brick', brick.uuid, directories)
  if (volume.tls) {
    requireValid(volume.tls.serves, toServe(volume.volume), now())
    await writeCredential(files, volume.tls.serves)
  }
  const start = {
    uuid: brick.uuid,
    directory: brickPath(brick.device, volume.directory),
    volume: volume.volume,
    fingerprint: servedFingerprintOf(volume, brick),
    serves: await processOf(volume, brick, files),
    directories,
    oomScoreAdj,
  }
  await startBrick(start, run, warn)
}

async function processOf(
  volume: DirectVolume,
  { device, uuid, port }: DirectBrick,
  files: ProcessFiles,
): Promise<BrickProcess> {
  const directory = brickPath(device, volume.directory)
  const where = { address: await everyAddress(), port, dispersed: false }
  const exportOf = ({ name, directory: inside }: BrickExport) => ({
    name: exportWord(name),
    directory: inside === '/' ? directory : `${directory}${inside}`,
    volumeId: uuid,
  })
  const { tls, exports } = volume
  if (!tls) return { ...where, exports: exports.map((each) => ({ ...exportOf(each), logins: [loginOf(each)] })) }
  const holders = ({ name, holder }: BrickExport) => [needed(name, holder), tls.storage]
  return {
    ...where,
    tls: tlsFilesOf(files),
    exports: exports.map((each) => ({ ...exportOf(each), holders: holders(each) })),
  }
}

function loginOf({ name, login }: BrickExport): Login {
  return needed(name, login)
}

function needed<T>(name: string, found: T | undefined): T {
  if (found === undefined) throw new TypeError(noLogin(name))
  return found
}

/** Gives the processes that serve the volume the document's certificates, which they read when the next client connects. */
export async function renewBricks({ tls, bricks, volume }: DirectVolume, means: BrickMeans): Promise<void> {
  if (!tls) return
  requireValid(tls.serves, toServe(volume), means.now())
  for (const { uuid } of bricks)
    if (await runningBrick(uuid)) await writeCredential(filesOf('brick', uuid, means.directories), tls.serves)
}

/** Ends the process with that pid if it serves a brick of the volume. Throws Error when it hangs. May be repeated. */
export async function endBrick(
  { volume, bricks }: DirectVolume,
  pid: number,
  { directories }: BrickMeans,
): Promise<void> {
  const found = (await ownBricks()).find((each) => each.pid === pid && each.volume === volume)
  if (!found) return
  await endProcess(found, endMs)
  const files = filesOf('brick', found.uuid, directories)
  await removeFiles(files)
  // Nobody names a brick again that was replaced.
  if (!bricks.some(({ uuid }) => uuid === found.uuid)) await removeLog(files)
}

/** Removes what the volume's processes were started with, and their logs. Throws Error while one of them runs. */
export async function forgetBricks({ volume, bricks }: DirectVolume, { directories }: BrickMeans): Promise<void> {
  const serving = (await ownBricks()).find((each) => each.volume === volume)
  if (serving) throw new Error(stillServed(serving.directory, serving.pid))
  for (const { uuid } of bricks) {
    const files = filesOf('brick', uuid, directories)
    await removeFiles(files)
    await removeLog(files)
  }
}
