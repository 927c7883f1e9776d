import { constants, type Stats } from 'node:fs'
import { copyFile, link, lstat, mkdir } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { isJobToken, quote } from '../../../model/names.js'

/*
 * Each task that is split off a job array needs a folder and a script below slurmctld's StateSaveLocation: Slurm passes us their
 * paths, and writes the job's environment and nodes there. slurmctld of 24.11 to 26.11 creates them only for the last task (for the
 * others it validates the rest of the array instead of the task), so the other tasks could not start. Here they are made from
 * those of the array, unless slurmctld has made them.
 *
 * Only `hash.N/job.ID/script` of that very job is made, nothing that exists is touched, and no link is followed.
 */

/** Questions to slurmctld. */
export interface SlurmQueries {
  /** `scontrol show job --oneliner`. */
  showJob(id: string): Promise<string>
  stateSaveLocation(): Promise<string>
}

/** Makes the script of a job array's task, unless slurmctld has. Returns why it could not be made. */
export async function provideScript(
  slurm: SlurmQueries,
  token: string,
  jobFile: string | undefined,
): Promise<string | undefined> {
  if (jobFile === undefined || !isJobToken(token)) return undefined
  try {
    const stateSave = await stateSaveOf(slurm, token, jobFile)
    if (stateSave === undefined || (await statusOf(scriptIn(stateSave, token)))) return undefined
    const array = arrayOf(token, await slurm.showJob(token))
    if (array !== undefined && array !== token) await provide(stateSave, token, array)
    return undefined
  } catch (error) {
    return `slurmctld has not created the script of ${token}, a task of a job array, and the scheduler could not create it: ${(error as Error).message}`
  }
}

/** Slurm passes a script with % symbols as a file in memory; its folder is needed all the same. */
const inMemory = /^\/proc\/(?:self|[0-9]+)\/fd\/[0-9]+$/

async function stateSaveOf(slurm: SlurmQueries, token: string, jobFile: string): Promise<string | undefined> {
  if (inMemory.test(jobFile)) return slurm.stateSaveLocation()
  const stateSave = dirname(dirname(dirname(jobFile)))
  return isAbsolute(jobFile) && scriptIn(stateSave, token) === jobFile ? stateSave : undefined
}

async function provide(stateSave: string, token: string, array: string): Promise<void> {
  const script = scriptIn(stateSave, token)
  const folder = dirname(script)
  await expectOwn(stateSave)
  for (const made of [dirname(folder), folder]) {
    await mkdir(made, { mode: 0o700 }).catch(unlessThere)
    await expectOwn(made)
  }
  const master = scriptIn(stateSave, array)
  await expectOwn(dirname(dirname(master)))
  await expectOwn(dirname(master))
  if (!(await statusOf(master))?.isFile()) throw new Error(`${quote(master)} is not a regular file`)
  // Neither follows a link, and neither replaces what is there.
  await link(master, script).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return
    await copyFile(master, script, constants.COPYFILE_EXCL).catch(unlessThere)
  })
}

/** Throws unless only slurmctld can write to the folder. */
async function expectOwn(folder: string): Promise<void> {
  const status = await statusOf(folder)
  if (!status?.isDirectory()) throw new Error(`${quote(folder)} is not a directory`)
  const isOurs = status.uid === process.geteuid?.()
  if (!isOurs || (status.mode & 0o022) !== 0)
    throw new Error(
      `${quote(folder)} must belong to the scheduler's user, who should be SlurmUser, and others must not be able to write to it`,
    )
}

async function statusOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** As slurmctld lays it out. */
function scriptIn(stateSave: string, id: string): string {
  return join(stateSave, `hash.${Number(id) % 10}`, `job.${id}`, 'script')
}

/** Only these first words are read: users choose some of the text after them. */
function arrayOf(token: string, shown: string): string | undefined {
  const [, id, array] = /^JobId=([0-9]+) ArrayJobId=([0-9]+) ArrayTaskId=/.exec(shown) ?? []
  return id === token ? array : undefined
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
