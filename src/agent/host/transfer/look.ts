import type { AsUser } from './user.js'

export interface Looked {
  kind: string
  bytes: number
}

const mostPaths = 200

/** What is at these paths, links not followed; one that is not there, or not to be looked at, is not told. */
export async function lookAt(user: AsUser, paths: readonly string[]): Promise<Map<string, Looked>> {
  const found = new Map<string, Looked>()
  for (let at = 0; at < paths.length; at += mostPaths) {
    const some = paths.slice(at, at + mostPaths)
    const { stdout } = await user.run(['stat', '--printf=%s %F/%n\\0', '--', ...some])
    for (const record of stdout.toString().split('\0')) {
      const [, bytes, kind, path] = /^(\d+) ([^/]*)(\/.*)$/s.exec(record) ?? []
      if (path !== undefined) found.set(path.slice(1), { kind: shortKind(kind!), bytes: Number(bytes) })
    }
  }
  return found
}

function shortKind(kind: string): string {
  return kind.startsWith('regular') ? 'file' : kind
}
