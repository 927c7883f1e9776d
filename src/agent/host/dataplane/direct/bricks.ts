import { rm } from 'node:fs/promises'
import { brickPath } from '../../../../model/cluster.js'
import type { DirectBrick } from '../../../../model/documents/direct.js'
import type { DirectVolume } from '../../../../model/documents/volume.js'
import { servedFingerprintOf } from '../../../../model/fingerprint.js'
import { endProcess } from '../../exec/processes.js'
import type { Run } from '../../exec/run.js'
import { startBrick } from './brickStart.js'
import { exportWord } from './exportWord.js'
import { type Directories, filesOf, removeFiles } from './files.js'
import { everyAddress } from './listenAddress.js'
import { stillServed } from './messages.js'
import { ownBricks } from './ownBricks.js'
import type { BrickProcess } from './types.js'

/* From a volume's document to the processes of its bricks on this host. */

export interface BrickMeans {
  directories: Directories
  run: Run
  /** Logs what an operator should know, but does not prevent the start. */
  warn: (phrase: string, fields: object) => void
}

/** As the agent: a job would lose its buffer when memory is short. */
const oomScoreAdj = -500
const endMs = 10_000

/** Throws what `startBrick` throws. */
export async function serveBrick(
  volume: DirectVolume,
  brick: DirectBrick,
  { directories, run, warn }: BrickMeans,
): Promise<void> {
  const start = {
    uuid: brick.uuid,
    directory: brickPath(brick.device, volume.directory),
    volume: volume.volume,
    fingerprint: servedFingerprintOf(volume, brick),
    serves: await processOf(volume, brick),
    directories,
    oomScoreAdj,
  }
  await startBrick(start, run, warn)
}

async function processOf(volume: DirectVolume, { device, uuid, port }: DirectBrick): Promise<BrickProcess> {
  const directory = brickPath(device, volume.directory)
  return {
    address: await everyAddress(),
    port,
    dispersed: false,
    exports: volume.exports.map((each) => ({
      name: exportWord(each.name),
      directory: each.directory === '/' ? directory : `${directory}${each.directory}`,
      volumeId: uuid,
      logins: [each.login],
    })),
  }
}

/** Ends the process with that pid if it serves a brick of the volume. Throws Error when it hangs. May be repeated. */
export async function endBrick({ volume }: DirectVolume, pid: number, { directories }: BrickMeans): Promise<void> {
  const found = (await ownBricks()).find((each) => each.pid === pid && each.volume === volume)
  if (!found) return
  await endProcess(found, endMs)
  await removeFiles(filesOf('brick', found.uuid, directories))
}

/** Removes what the volume's processes were started with, and their logs. Throws Error while one of them runs. */
export async function forgetBricks({ volume, bricks }: DirectVolume, { directories }: BrickMeans): Promise<void> {
  const serving = (await ownBricks()).find((each) => each.volume === volume)
  if (serving) throw new Error(stillServed(serving.directory, serving.pid))
  for (const { uuid } of bricks) {
    const files = filesOf('brick', uuid, directories)
    await removeFiles(files)
    await rm(files.log, { force: true })
  }
}
