import { lstat, mkdir, rmdir } from 'node:fs/promises'
import type { GlusterfsVolume } from '../../../../model/documents/volume.js'
import { mountGluster } from './client.js'
import { mountedAt, mountTable } from '../../exec/mounts.js'
import { type Run, runOk } from '../../exec/run.js'

/*
 * Directories in a volume, made through a mount on one of its own storage hosts: only a client gives a directory its place
 * on every brick. The parents are root's, so that no link of a user can lead root astray.
 *
 * Crash windows: killed between mkdir and chown, a directory is root's and shows as not made; killed with the mount left
 * behind, the next attempt, or the stop of the volume, finds it at the same path and takes it off.
 */
const workRoot = '/run/burstbuffer-agent/volumes'
/** Where agents had it until they got a runtime directory of their own: what one of them has left there is taken off too. */
const formerRoot = '/run/burstbuffer/volumes'
const commandMs = 30_000

/** Those that this host's own brick shows whole; a directory is on every brick. */
export async function directoriesMade(self: string, { bricks, directories = [] }: GlusterfsVolume): Promise<string[]> {
  const brick = bricks.find(({ host }) => host === self)
  if (!brick) return []
  const made = await Promise.all(
    directories.map(async ({ path, uid, gid, mode }) => {
      const found = await lstat(`${brick.path}${path}`).catch(() => undefined)
      const isWhole = found?.isDirectory() && found.uid === uid && found.gid === gid && (found.mode & 0o7777) === mode
      return isWhole ? [path] : []
    }),
  )
  return made.flat()
}

/**
 * Makes the document's directories in a volume that is started, with their owners and modes, through a mount of its
 * own. Throws CommandError or Error when the volume cannot be mounted. May be repeated: one that is there gets owner
 * and mode again.
 */
export async function makeDirectories(volume: GlusterfsVolume, run: Run): Promise<void> {
  const at = `${workRoot}/${volume.volume}`
  await takeOff(volume, run)
  await mkdir(at, { recursive: true, mode: 0o700 })
  await thenAlways(
    async () => {
      await mountGluster({ servers: ['localhost'], volume: volume.volume }, at, {}, run)
      if (!mountedAt(await mountTable(), at)) throw new Error(`${volume.volume} is not mounted although mount said so`)
      for (const { path, uid, gid, mode } of volume.directories ?? []) {
        const owner = [`--owner=${uid}`, `--group=${gid}`, `--mode=${mode.toString(8)}`]
        await runOk(run, ['install', '--directory', ...owner, '--', `${at}${path}`], { timeoutMs: commandMs })
      }
    },
    () => takeOff(volume, run),
  )
}

/** Takes our own mount of the volume off, if it is there. Throws CommandError while it is in use. */
export async function takeOff({ volume }: GlusterfsVolume, run: Run): Promise<void> {
  const table = await mountTable()
  for (const at of [`${workRoot}/${volume}`, `${formerRoot}/${volume}`].filter((path) => mountedAt(table, path))) {
    await runOk(run, ['umount', '--', at], { timeoutMs: commandMs })
    await rmdir(at).catch(() => {})
  }
  await rmdir(`${workRoot}/${volume}`).catch(() => {})
}

/** As `finally`, but what went wrong first is what is told: the clean-up fails because of it, mostly. */
export async function thenAlways(work: () => Promise<void>, cleanUp: () => Promise<void>): Promise<void> {
  let failure: { error: unknown } | undefined
  await work().catch((error: unknown) => (failure = { error }))
  try {
    await cleanUp()
  } catch (error) {
    throw failure ? failure.error : error
  }
  if (failure) throw failure.error
}
