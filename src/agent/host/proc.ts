import { readdir, readFile } from 'node:fs/promises'

/** Of every process of the machine. Source: proc(5). */
export async function processIds(): Promise<string[]> {
  return (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name))
}

/** The words of a process's command line, or the variables of its environment; none of one that has ended meanwhile. */
export async function wordsOf(pid: string, what: 'cmdline' | 'environ'): Promise<string[]> {
  return (await readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '')).split('\0')
}
