import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError, type Run, runOk } from '../../exec/run.js'

/* What a directory must have before a brick process serves it: the id of its volume, on the directory itself, and a commit hash. */

const attribute = 'trusted.glusterfs.volume-id'
/**
 * A client asks all bricks for a name that is not there, unless the directory has the commit hash of the volume. The root has
 * this one, and the volume otherwise none: then two clients that make one file in the root at once look for it for ever (10.3).
 */
export const commitHash = { name: 'trusted.glusterfs.dht.commithash', value: '1' }
const timeoutMs = 10_000

/** The directory carries the id of another volume. */
export class ForeignDirectory extends Error {
  override name = 'ForeignDirectory'
}

/**
 * Marks a directory as of that volume, and makes what a dispersed volume's index needs. May be repeated. Throws
 * ForeignDirectory when it is of another volume, CommandError when it is not there or has no such attributes.
 */
export async function markDirectory(directory: string, volumeId: string, run: Run): Promise<void> {
  const found = await volumeIdOf(directory, run)
  if (found !== undefined && found !== volumeId)
    throw new ForeignDirectory(`${directory} carries the id of another volume: ${found}`)
  if (found === undefined) await mark([directory], volumeId, run)
  await mkdir(join(directory, '.glusterfs'), { mode: 0o700, recursive: true })
}

/** The same for directories that were made a moment ago, as many as there are. Throws CommandError. */
export async function markFresh(directories: readonly string[], volumeId: string, run: Run): Promise<void> {
  if (directories.length > 0) await mark(directories, volumeId, run)
  for (const directory of directories) await mkdir(join(directory, '.glusterfs'), { mode: 0o700 })
}

/** The id last: who has it has both. One program for both, and for all directories. */
async function mark(directories: readonly string[], volumeId: string, run: Run): Promise<void> {
  const attributes = `${commitHash.name}="${commitHash.value}"\n${attribute}=0x${hexOf(volumeId)}\n`
  const stdin = directories.map((directory) => `# file: ${escaped(directory)}\n${attributes}`).join('\n')
  await runOk(run, ['setfattr', '--restore=-'], { timeoutMs, stdin })
}

/** As getfattr writes a path. Source: getfattr(1), --dump. */
function escaped(path: string): string {
  return path.replace(/[\\\n\r]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
}

/** Of which volume a directory is; undefined when of none. Throws CommandError when it cannot be asked. */
export async function volumeIdOf(directory: string, run: Run): Promise<string | undefined> {
  const argv = ['getfattr', '--absolute-names', '--encoding=hex', `--name=${attribute}`, '--', directory] as const
  const result = await run(argv, { timeoutMs })
  if (result.code !== 0 && result.stderr.includes('No such attribute')) return undefined
  const hex = /^trusted\.glusterfs\.volume-id=0x([0-9a-f]{32})$/m.exec(result.stdout)?.[1]
  if (hex === undefined) throw new CommandError(argv, { ...result, signal: null, timedOut: false })
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function hexOf(uuid: string): string {
  const hex = uuid.replaceAll('-', '')
  if (/^[0-9a-f]{32}$/.test(hex)) return hex
  throw new Error(`${JSON.stringify(uuid)} is not the id of a volume`)
}
