import { execFile } from 'node:child_process'

/** What the scheduler's host sees of a file or directory, links followed. */
export interface FileStat {
  mode: number
  uid: number
  gid: number
  sizeBytes: number
  isDirectory: boolean
}

/** Looks up paths, and returns those that exist and can be seen; undefined when it timed out. */
export type StatPaths = (paths: readonly string[]) => Promise<ReadonlyMap<string, FileStat> | undefined>

/** Below the 5 seconds that slurmctld gives job_process. */
const timeoutMs = 2_000

/** The limit of arguments for one `stat`: the kernel accepts at most 2 MiB, and 128 KiB if memory is restricted. */
const maxNamedBytes = 96 * 1024

/** In child processes, because a file system that hangs would block every other call of this process. */
export const systemStatPaths: StatPaths = async (paths) => {
  const end = performance.now() + timeoutMs
  const seen = new Map<string, FileStat>()
  for (const some of chunksOf(paths, maxNamedBytes)) {
    const found = await statSome(some, end - performance.now())
    if (!found) return undefined
    for (const [path, what] of found) seen.set(path, what)
  }
  return seen
}

export function* chunksOf(paths: readonly string[], maxBytes: number): Generator<string[]> {
  let chunk: string[] = []
  let bytes = 0
  for (const path of paths) {
    const more = Buffer.byteLength(path) + 1
    if (chunk.length > 0 && bytes + more > maxBytes) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(path)
    bytes += more
  }
  if (chunk.length > 0) yield chunk
}

function statSome(paths: readonly string[], timeoutMs: number): Promise<ReadonlyMap<string, FileStat> | undefined> {
  if (timeoutMs <= 0) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const args = ['--dereference', '--printf=%f %u %g %s %n\\0', '--', ...paths]
    const child = execFile('stat', args, { env: {}, maxBuffer: 4 * 1024 * 1024 }, (_error, stdout) => end(read(stdout)))
    const timer = setTimeout(() => end(undefined), timeoutMs)
    const end = (seen: ReadonlyMap<string, FileStat> | undefined) => {
      clearTimeout(timer)
      if (seen === undefined) child.kill('SIGKILL')
      resolve(seen)
    }
  })
}

function read(stdout: string): Map<string, FileStat> {
  const seen = new Map<string, FileStat>()
  for (const line of stdout.split('\0')) {
    const [, hex, uid, gid, size, path] = /^([0-9a-f]+) ([0-9]+) ([0-9]+) ([0-9]+) (.*)$/s.exec(line) ?? []
    if (hex === undefined || path === undefined) continue
    const mode = parseInt(hex, 16)
    const isDirectory = (mode & 0o170000) === 0o040000
    seen.set(path, { mode, uid: Number(uid), gid: Number(gid), sizeBytes: Number(size), isDirectory })
  }
  return seen
}

/** `/a/b` → `/`, `/a`, `/a/b`, for a path without doubled slashes. */
export function prefixesOf(path: string): string[] {
  const prefixes: string[] = []
  for (const prefix of fromTheEnd(path)) prefixes.push(prefix)
  return prefixes.reverse()
}

function* fromTheEnd(path: string): Generator<string> {
  if (path !== '/') yield path
  for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1))
    yield path.slice(0, slash)
  yield '/'
}

/** Longer than any real path: checking each of its directories would cost too much. */
const maxPrefixBytes = 256 * 1024

/** Every directory on the way to these paths, each once, and the paths; undefined when these are too many. */
export function allPrefixesOf(paths: readonly string[]): string[] | undefined {
  const prefixes = new Set<string>()
  let bytes = 0
  for (const path of paths) {
    for (const prefix of fromTheEnd(path)) {
      // Its prefixes are in the set too.
      if (prefixes.has(prefix)) break
      prefixes.add(prefix)
      bytes += prefix.length
      if (bytes > maxPrefixBytes) return undefined
    }
  }
  return [...prefixes]
}

/** True when the path certainly does not exist: everybody may search each directory on the way. */
export function isAbsent(seen: ReadonlyMap<string, FileStat>, path: string): boolean {
  for (const prefix of prefixesOf(path)) {
    const found = seen.get(prefix)
    if (!found) return true
    if (prefix !== path && !(found.isDirectory && (found.mode & 0o001) !== 0)) return false
  }
  return false
}

export interface Reader {
  uid: number
  groups: readonly number[]
}

/** The first on the way to the path, itself included, that this user certainly may not read or search. */
export function firstUnreadablePrefix(
  seen: ReadonlyMap<string, FileStat>,
  path: string,
  reader: Reader,
): string | undefined {
  return prefixesOf(path).find((prefix) => {
    const found = seen.get(prefix)
    if (!found) return false
    const needed = prefix !== path ? 0o1 : found.isDirectory ? 0o5 : 0o4
    return !grants(found, needed, reader)
  })
}

/** If the group bits allow access, an access control list may allow it for this user too. */
function grants({ mode, uid, gid }: FileStat, needed: number, reader: Reader): boolean {
  const has = (shift: number) => ((mode >> shift) & needed) === needed
  if (reader.uid === 0) return true
  if (reader.uid === uid) return has(6)
  if (reader.groups.includes(gid)) return has(3)
  return has(0) || has(3)
}
