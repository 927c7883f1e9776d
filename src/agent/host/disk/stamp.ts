import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { brickMountPath } from '../../../model/cluster.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'

const stampFile = '.burstbuffer-brick.json'

/**
 * Whole or not at all: written beside, synced, renamed. The directory is synced when the brick's own is made in it: a stamp
 * that is lost before is of a brick that was reported to nobody.
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

/** A file that is there and cannot be read, or is no stamp, is not the same as none: that brick may hold data. */
export async function readStamp(mountPath: string): Promise<string | undefined> {
  let text
  try {
    text = await readFile(join(mountPath, stampFile), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = stamp.safeParse(parseJson(text))
  if (!parsed.success) throw new Error(`its stamp ${stampFile} is damaged`)
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
