import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

/** Pids of every process of the machine, as text. Source: proc(5). */
export async function processIds(): Promise<string[]> {
  return (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
}

/**
 * Pids of the processes with one of these names, as text. Synchronous: the kernel answers from memory, even for a
 * process that hangs, and a thread for each process of the machine would cost twenty times as much. A process may
 * change its name: check with `programOf`.
 */
export function processesNamed(names: readonly string[]): string[] {
  const ids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))
  return ids.filter((pid) => {
    try {
      return names.includes(readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd())
    } catch {
      // It has ended meanwhile.
      return false
    }
  })
}

/**
 * The users of a process: its real, effective, saved and file system uids, which differ after a change of rights. Empty
 * for a process that has ended. Source: proc(5).
 */
export async function usersOfProcess(pid: string): Promise<number[]> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const ids = /^Uid:\t([0-9\t]+)$/m.exec(status)?.[1]
  return ids === undefined ? [] : ids.split('\t').map(Number)
}

/** The name of the file that a process runs, whatever name it has chosen; undefined when it has ended. */
export async function programOf(pid: string): Promise<string | undefined> {
  const path = await readlink(`/proc/${pid}/exe`).catch(() => undefined)
  // The file was replaced by an upgrade while the program runs.
  return path === undefined ? undefined : basename(path.replace(/ \(deleted\)$/, ''))
}

/** The words of a process's command line, or the variables of its environment; empty when it has ended. */
export async function wordsOf(pid: string, what: 'cmdline' | 'environ'): Promise<string[]> {
  return (await readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '')).split('\0')
}

/** How many bytes the processes of a group have read and written so far. Source: proc(5). */
export async function bytesMoved(group: number): Promise<number> {
  const each = await Promise.all(
    (await processIds()).map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // The name may contain anything; state, parent and group follow it.
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) !== group) return 0
      const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '')
      return [...io.matchAll(/^[rw]char: (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    }),
  )
  return each.reduce((a, b) => a + b, 0)
}
