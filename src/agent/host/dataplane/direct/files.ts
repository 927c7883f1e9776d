import { constants, existsSync } from 'node:fs'
import { lstat, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { plainName } from './volfile.js'

/** Where the files of this host's processes are. */
export interface Directories {
  /** Below /run, 0700: nothing in it outlives a reboot. */
  run: string
  /** Absolute. */
  log: string
}

/** The files of one process. Its volfile is there only while it is started; with TLS, what it shows and believes as long as it. */
export interface ProcessFiles {
  volfile: string
  /** Its certificate and its key. */
  credential: string
  /** Of those whose certificates it believes. */
  authority: string
  pidFile: string
  log: string
}

/** `id`: letters, digits, `_` and `-`. Throws Error for another. */
export function filesOf(kind: 'brick' | 'client', id: string, { run, log }: Directories): ProcessFiles {
  const name = `${kind}-${plainName('the id of a process', id)}`
  return {
    volfile: join(run, `${name}.vol`),
    credential: join(run, `${name}.pem`),
    authority: join(run, `${name}.authority.pem`),
    pidFile: join(run, `${name}.pid`),
    log: join(log, `${name}.log`),
  }
}

/** Throws Error unless the directory is root's, and closed to everybody else. */
export async function requireClosed(directory: string): Promise<void> {
  const { uid, mode } = await lstat(directory)
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0 || (mode & constants.S_IFMT) !== constants.S_IFDIR)
    throw new Error(`${directory} must be a directory of root's with the mode 0700: it is to contain passwords`)
}

/** Writes a file that nobody else can read; one that an earlier agent left is replaced. */
export async function writeSecret(path: string, text: string): Promise<void> {
  await rm(path, { force: true })
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}

/** Makes a log that nobody else can read, or makes it so. Its size. */
export async function prepareLog(path: string): Promise<number> {
  const file = await open(path, 'a', 0o600)
  try {
    await file.chmod(0o600)
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

const maxLogBytes = 64 * 1024

/** What was written into a log behind its first `from` bytes; of very much its end. Nothing else of it is read. */
export async function readLog(path: string, from: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    // When it is shorter, somebody has emptied it meanwhile.
    const position = Math.max(from > size ? 0 : from, size - maxLogBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - position), 0, size - position, position)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** Something of a process is there, running or not. */
export function areThere(files: ProcessFiles): boolean {
  return Object.values(files).some((path) => existsSync(path))
}

/** Takes off what is left of a process that has ended, all but its log. May be repeated. */
export async function removeFiles({ volfile, credential, authority, pidFile }: ProcessFiles): Promise<void> {
  for (const path of [volfile, credential, authority, pidFile]) await rm(path, { force: true })
}

/**
 * Takes off volfiles, and keys of processes that do not run, which an agent left that died while it started a process. Ask before
 * anything is started. `running`: the files of those that run.
 */
export async function removeStrayFiles({ run }: Directories, running: readonly ProcessFiles[]): Promise<void> {
  const used = new Set(running.flatMap(({ credential, authority }) => [credential, authority]))
  const isStray = (path: string) => path.endsWith('.vol') || /\.pem(\.new)?$/.test(path)
  for (const name of await readdir(run)) {
    const path = join(run, name)
    if (isStray(path) && !used.has(path)) await rm(path, { force: true })
  }
}
