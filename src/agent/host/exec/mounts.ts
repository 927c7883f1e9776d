import { readdirSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

export interface MountEntry {
  /** As in `mnt_id` of /proc/PID/fdinfo. */
  id: string
  /** `major:minor`. */
  device: string
  path: string
  options: string[]
  type: string
  source: string
}

/**
 * The mount table of a process's namespace, by default of this process's; the topmost mount of a path comes last.
 * Throws when the process has ended. Source: proc(5), mountinfo.
 */
export async function mountTable(pid = 'self', proc = '/proc'): Promise<MountEntry[]> {
  return parseMountInfo(await readFile(`${proc}/${pid}/mountinfo`, 'utf8'))
}

/** The lines of a mountinfo file, in its order, with its octal escapes undone. Source: proc(5). */
export function parseMountInfo(text: string): MountEntry[] {
  const entries = []
  for (const line of text.split('\n')) {
    const [left, right] = line.split(' - ')
    const [id, , device, , path, options] = left?.split(' ') ?? []
    const [type, source, superOptions] = right?.split(' ') ?? []
    if (!id || !device || path === undefined || !options || !type || source === undefined) continue
    entries.push({
      id,
      device,
      path: unescape(path),
      options: [...options.split(','), ...(superOptions?.split(',') ?? [])],
      type,
      source: unescape(source),
    })
  }
  return entries
}

/** What is mounted at that path, the topmost when there are several; undefined when nothing is. */
export function mountedAt(table: readonly MountEntry[], path: string): MountEntry | undefined {
  return table.findLast((entry) => entry.path === path)
}

/**
 * Where each block device is mounted in any mount namespace of the machine, by `major:minor`: a mount in a container,
 * or after a lazy unmount, is in no other table.
 */
export async function mountsEverywhere(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>()
  for (const { table } of await tableByNamespace()) {
    for (const { device, path } of table) {
      const paths = found.get(device) ?? new Set()
      found.set(device, paths.add(path))
    }
  }
  return found
}

/** The mount table of each mount namespace of the machine, with the namespace's processes. */
export async function tableByNamespace(): Promise<{ pids: readonly string[]; table: MountEntry[] }[]> {
  const found = []
  for (const pids of namespaces().values()) found.push({ pids, table: await firstTable(pids) })
  return found
}

/** The processes of each mount namespace. Synchronous, because the kernel answers from memory. */
function namespaces(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/mnt`)
      const pids = found.get(namespace)
      if (pids) pids.push(pid)
      else found.set(namespace, [pid])
    } catch {
      // The process has ended meanwhile, or is a kernel thread without a namespace of its own.
    }
  }
  return found
}

/** The mount table of the first process that still runs: all of them have the same. */
async function firstTable(pids: readonly string[]): Promise<MountEntry[]> {
  for (const pid of pids) {
    const table = await mountTable(pid).catch(() => undefined)
    if (table) return table
  }
  return []
}

function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
}
