import { basename, dirname } from 'node:path'
import { mountedAt, type MountEntry, mountTable } from '../../exec/mounts.js'
import { type Running, runningProcesses } from './running.js'

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
    if (ours && isSame(ours, mountedAt(await mountTable(String(each.pid)).catch(() => []), mountPath))) own.push(each)
  }
  return own
}

/** The name of the device whose file system contains the brick's directory. */
export function deviceOf({ directory }: Pick<RunningBrick, 'directory'>): string {
  return basename(dirname(directory))
}

function isSame({ device }: MountEntry, other: MountEntry | undefined): boolean {
  return other?.device === device
}
