import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'
import { stampDamaged } from './messages.js'

const stampFile = '.burstbuffer-brick.json'

/**
 * Writes the stamp file completely or not at all: under another name, synced, renamed. The directory is synced later,
 * when the brick's directory is created in it: a brick whose stamp is lost before that was never reported ready.
 */
export async function stampBrick(brick: DesiredBrick): Promise<void> {
  const mountPath = brickMountPath(brick.device)
  const text = JSON.stringify({
    uuid: brick.uuid,
    buffer: brick.buffer,
    device: brick.device,
    identity: brick.identity,
  })
  const file = await open(join(mountPath, `${stampFile}.new`), 'w', 0o600)
  try {
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(join(mountPath, `${stampFile}.new`), join(mountPath, stampFile))
}

/**
 * The uuid in the stamp; undefined when there is none. Throws for a file that cannot be read or is damaged: that brick
 * may hold data.
 */
export async function readStamp(mountPath: string): Promise<string | undefined> {
  let text
  try {
    text = await readFile(join(mountPath, stampFile), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = stamp.safeParse(parseJson(text))
  if (!parsed.success) throw new Error(stampDamaged(stampFile))
  return parsed.data.uuid
}

export const stamp = z.looseObject({ uuid: z.guid() })

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
