import { readFile } from 'node:fs/promises'

/**
 * An id that changes with each restart: the kernel's boot id and, for a host that is a container or a namespace, when
 * its first process began. undefined if that cannot be read.
 */
export async function readBoot(): Promise<string | undefined> {
  try {
    const [kernel, init] = await Promise.all(
      ['/proc/sys/kernel/random/boot_id', '/proc/1/stat'].map((file) => readFile(file, 'utf8')),
    )
    return `${kernel!.trim()}.${startOf(init!)}`
  } catch {
    return undefined
  }
}

/**
 * When a process began, in clock ticks since boot, from the text of /proc/PID/stat: field 22. Counts from the last
 * parenthesis, because the second field, the name, may contain anything.
 */
export function startOf(stat: string): string {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
