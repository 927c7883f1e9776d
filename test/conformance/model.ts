/** A file, directory or symbolic link as it must be. */
export interface Node {
  kind: 'file' | 'directory' | 'symlink'
  content: Buffer
  links: number
  /** Of user.*, without the prefix. */
  xattrs: Map<string, Buffer>
  /** The number of changes so far. */
  changes: number
  /** What `changes` was after the last change of each mount. */
  changedBy: Map<number, number>
  /** As first seen: it must stay. */
  inode?: string
  /** As last seen, and after how many changes: it must stay until the next. */
  mtime?: { value: string; changes: number }
}

export function newNode(kind: Node['kind'], content: Buffer = Buffer.alloc(0)): Node {
  return { kind, content, links: kind === 'directory' ? 2 : 1, xattrs: new Map(), changes: 0, changedBy: new Map() }
}

/** Which names there are, and the errors that calls on names must give. */
export class Names {
  private readonly nodes = new Map<string, Node>()

  get(path: string): Node | undefined {
    return this.nodes.get(path)
  }

  paths(kind: Node['kind']): string[] {
    return [...this.nodes].filter(([, node]) => node.kind === kind).map(([path]) => path)
  }

  pathOf(node: Node): string | undefined {
    return [...this.nodes].find(([, other]) => other === node)?.[0]
  }

  /** The sorted names in a directory: `''` is the root of the history. */
  list(directory: string): string[] {
    const prefix = directory === '' ? '' : `${directory}/`
    return [...this.nodes.keys()]
      .filter((path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'))
      .map((path) => path.slice(prefix.length))
      .sort()
  }

  add(path: string, node: Node): string | undefined {
    if (this.nodes.has(path)) return 'EEXIST'
    this.nodes.set(path, node)
    return undefined
  }

  link(from: string, to: string): string | undefined {
    const node = this.nodes.get(from)
    if (node === undefined) return 'ENOENT'
    const error = this.add(to, node)
    if (error === undefined) node.links++
    return error
  }

  /** Both paths of the same kind. A name that was another link of the same file stays, as POSIX wants it. */
  rename(from: string, to: string): string | undefined {
    const node = this.nodes.get(from)
    if (node === undefined) return 'ENOENT'
    const replaced = this.nodes.get(to)
    if (replaced === node) return undefined
    if (replaced !== undefined) replaced.links--
    this.nodes.delete(from)
    this.nodes.set(to, node)
    return undefined
  }

  remove(path: string): string | undefined {
    const node = this.nodes.get(path)
    if (node === undefined) return 'ENOENT'
    node.links--
    this.nodes.delete(path)
    return undefined
  }
}

/** The content with these bytes at that offset; what lies between its end and the offset are zeros. */
export function overwritten(content: Buffer, offset: number, data: Buffer): Buffer {
  const result = resized(content, Math.max(content.length, offset + data.length))
  data.copy(result, offset)
  return result
}

export function resized(content: Buffer, length: number): Buffer {
  const result = Buffer.alloc(length)
  content.copy(result, 0, 0, length)
  return result
}

export const asExpected = 'as expected'

/** How what was read differs, or `as expected`. */
export function compareBytes(expected: Buffer, seen: Buffer): string {
  if (expected.equals(seen)) return asExpected
  const length = Math.min(expected.length, seen.length)
  let first = 0
  while (first < length && expected[first] === seen[first]) first++
  let last = length
  while (last > first && expected[last - 1] === seen[last - 1]) last--
  const sizes = expected.length === seen.length ? '' : `${seen.length} bytes instead of ${expected.length}`
  if (first === length) return sizes
  const zeros = seen.subarray(first, last).every((byte) => byte === 0) ? ', zeros' : ''
  return [sizes, `bytes ${first} to ${last} differ${zeros}`].filter((part) => part !== '').join(', ')
}
