import type { AsUser } from './user.js'

export interface FileStat {
  kind: string
  bytes: number
  /** It has holes. */
  isSparse: boolean
}

const maxPaths = 200

/**
 * What is at these paths, by path; links are not followed. Leaves out a path that does not exist or that the user may
 * not read.
 */
export async function statPaths(user: AsUser, paths: readonly string[]): Promise<Map<string, FileStat>> {
  const found = new Map<string, FileStat>()
  for (let at = 0; at < paths.length; at += maxPaths) {
    const some = paths.slice(at, at + maxPaths)
    const { stdout } = await user.run(['stat', '--printf=%s %b %F/%n\\0', '--', ...some])
    for (const record of stdout.toString().split('\0')) {
      const [, bytes, blocks, kind, path] = /^(\d+) (\d+) ([^/]*)(\/.*)$/s.exec(record) ?? []
      if (path === undefined) continue
      const isSparse = hasHoles(Number(bytes), Number(blocks))
      found.set(path.slice(1), { kind: shortKind(kind!), bytes: Number(bytes), isSparse })
    }
  }
  return found
}

/** Judged by blocks of 512 bytes. */
export function hasHoles(bytes: number, blocks: number): boolean {
  return blocks * 512 < bytes
}

function shortKind(kind: string): string {
  return kind.startsWith('regular') ? 'file' : kind
}
