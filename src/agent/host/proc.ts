import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'

/** Of every process of the machine. Source: proc(5). */
export async function processIds(): Promise<string[]> {
  return (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
}

/**
 * The processes of one of these programs. Asked for names alone, the kernel answers from memory, at once and whatever the process
 * waits for; to go to a thread and back for each process of the machine costs twenty times as much.
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

/** The words of a process's command line, or the variables of its environment; none of one that has ended meanwhile. */
export async function wordsOf(pid: string, what: 'cmdline' | 'environ'): Promise<string[]> {
  return (await readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '')).split('\0')
}

/** How many bytes the processes of a group have read and written so far, from and to whatever. Source: proc(5). */
export async function bytesMoved(group: number): Promise<number> {
  const each = await Promise.all(
    (await processIds()).map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // Behind the name, which may hold anything: state, parent, group.
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) !== group) return 0
      const io = await readFile(`/proc/${pid}/io`, 'utf8').catch(() => '')
      return [...io.matchAll(/^[rw]char: (\d+)$/gm)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
    }),
  )
  return each.reduce((a, b) => a + b, 0)
}
