import { basename, dirname } from 'node:path'
import { mountedAt, type MountEntry, mountTable } from '../../exec/mounts.js'
import { type Running, runningProcesses, seesOurMounts } from './running.js'

export type RunningBrick = Extract<Running, { kind: 'brick' }>

/**
 * Brick processes of this host. Hosts in containers share one process table with paths alike: a process must see mounted what
 * this host has mounted there.
 */
export async function ownBricks(): Promise<RunningBrick[]> {
  const table = await mountTable()
  const own = []
  for (const each of await runningProcesses()) {
    if (each.kind !== 'brick') continue
    const mountPath = dirname(each.directory)
    const ours = mountedAt(table, mountPath)
    if (ours && ((await seesOurMounts(each.pid)) || (await seesMounted(each.pid, ours)))) own.push(each)
  }
  return own
}

/** The name of the device whose file system contains the brick's directory. */
export function deviceOf({ directory }: Pick<RunningBrick, 'directory'>): string {
  return basename(dirname(directory))
}

async function seesMounted(pid: number, { path, device }: MountEntry): Promise<boolean> {
  const table = await mountTable(String(pid)).catch(() => [])
  return mountedAt(table, path)?.device === device
}
