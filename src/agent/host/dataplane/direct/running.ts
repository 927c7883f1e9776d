import { readlink } from 'node:fs/promises'
import type { BrickIdentity } from './brickCommand.js'
import { type Command, commandsOf, type ProcessId } from '../../exec/processes.js'

/** A process of this plane: one that serves a brick, or one behind a mount. */
export type Running = ProcessId &
  (({ kind: 'brick' } & BrickIdentity) | { kind: 'client'; volume: string; mountPoint: string })

/**
 * All of root's on this machine, told by the words that they were started with. Those that glusterd or `mount` started are
 * not among them: they have no volfile of their own.
 */
export async function runningProcesses(): Promise<Running[]> {
  const found = await commandsOf(['glusterfsd'], ['glusterfsd', 'glusterfs'])
  const all = found.flatMap((command) => runningOf(command) ?? [])
  const isOwn = await Promise.all(all.map(async (each) => each.kind === 'brick' || (await seesOurMounts(each.pid))))
  return all.filter((_, index) => isOwn[index])
}

/** Hosts in containers may share one process table: their clients mount elsewhere, at paths alike. */
export async function seesOurMounts(pid: number): Promise<boolean> {
  const namespace = (of: number | 'self') => readlink(`/proc/${of}/ns/mnt`).catch(() => undefined)
  return (await namespace(pid)) === (await namespace('self'))
}

/** What a process with these words does for this plane; undefined when it is not one of its processes. */
export function runningOf({ pid, start, words }: Pick<Command, 'pid' | 'start' | 'words'>): Running | undefined {
  const id = valueOf(words, '--volfile-id')
  if (id === undefined || valueOf(words, '--volfile') === undefined) return undefined
  const directory = valueOf(words, '--brick-name')
  if (directory !== undefined) {
    const [, volume, fingerprint] = /^([^.]+)\.(.+)$/.exec(valueOf(words, '--process-name') ?? '') ?? []
    if (volume === undefined || fingerprint === undefined) return undefined
    return { pid, start, kind: 'brick', uuid: id, directory, volume, fingerprint }
  }
  const mountPoint = words[words.indexOf('--') + 1]
  return words.includes('--') && mountPoint ? { pid, start, kind: 'client', volume: id, mountPoint } : undefined
}

/** The absolute path of the brick that a process with these words serves; undefined when it serves none. */
export function brickOf(words: readonly string[]): string | undefined {
  return valueOf(words, '--brick-name')
}

function valueOf(words: readonly string[], option: string): string | undefined {
  return words.find((word) => word.startsWith(`${option}=`))?.slice(option.length + 1)
}
