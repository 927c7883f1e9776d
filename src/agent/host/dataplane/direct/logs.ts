import { copyFile, readdir, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessFiles } from './files.js'

/*
 * GlusterFS writes into its log for as long as a process runs, for example every three seconds while a brick is away, and never
 * begins another file. It appends to what is there, so that the file can be emptied while it is open.
 */
export const maxLogBytes = 8 * 1024 ** 2
const keptSeconds = 7 * 86_400

/**
 * Empties each log in the directory that is longer than `maxLogBytes`, after it has replaced NAME.log.1 with a copy: each process
 * has at most twice that. Removes logs in which nothing was written for a week, unless their process runs.
 */
export async function tendLogs(directory: string, running: readonly ProcessFiles[], now: number): Promise<void> {
  const used = new Set(running.map(({ log }) => log))
  const names = await readdir(directory).catch(() => [])
  for (const name of names.filter((name) => /^(brick|client)-.*\.log(\.1)?$/.test(name))) {
    const path = join(directory, name)
    const found = await stat(path).catch(() => undefined)
    if (!found) continue
    const isUsed = used.has(path.replace(/\.1$/, ''))
    if (!isUsed && now - found.mtimeMs / 1000 > keptSeconds) await rm(path, { force: true })
    else if (name.endsWith('.log') && found.size > maxLogBytes) await renew(path)
  }
}

/** What it writes between the two steps is lost. */
async function renew(path: string): Promise<void> {
  await rm(oldLog(path), { force: true })
  await copyFile(path, oldLog(path))
  await truncate(path)
}

/** Removes it with its former part. May be repeated. */
export async function removeLog({ log }: Pick<ProcessFiles, 'log'>): Promise<void> {
  for (const path of [log, oldLog(log)]) await rm(path, { force: true })
}

function oldLog(path: string): string {
  return `${path}.1`
}
