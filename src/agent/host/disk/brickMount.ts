import { chmod, mkdir, rmdir } from 'node:fs/promises'
import { brickMountPath, brickRoot } from '../../../model/cluster.js'
import type { DesiredBrick } from '../../../model/documents/brick.js'
import { Refusal } from '../../port/host.js'
import { describeContent } from '../../plan/device.js'
import { canOnlyBeMountedReadOnly, deviceHolds, otherMountAt } from '../../plan/messages.js'
import { cannotBeMounted, notMounted, stillMounted, stillServes } from './messages.js'
import { contentOf } from './deviceContent.js'
import { mountedAt, mountTable } from '../exec/mounts.js'
import { brickProcess, type BrickServer, commands, endProcess } from '../exec/processes.js'
import { type Run, runOk } from '../exec/run.js'
import { commandMs, diskError } from './diskCommands.js'
import { type PathOf, listedDevice } from './listedDevice.js'

/**
 * Mounts the brick's file system at its path. Throws Refusal when the device holds another one, or can only be mounted
 * read-only; Error when it is busy at the moment.
 */
export async function mountBrick(brick: DesiredBrick, pathOf: PathOf, run: Run): Promise<void> {
  const device = await listedDevice(brick.device, pathOf)
  const mountPath = brickMountPath(brick.device)
  await closeBrickRoot()
  await mkdir(mountPath, { recursive: true, mode: 0o755 })
  const content = await contentOf(device, brick.sizeBytes, run)
  if (content.kind !== 'xfs' || content.uuid !== brick.uuid)
    throw new Refusal(deviceHolds(brick.device, describeContent(content)))
  const options = 'rw,noatime,nodev,nosuid,noexec'
  const { code, stderr } = await run(['mount', '-t', 'xfs', '-o', options, '--', device.path, mountPath], {
    timeoutMs: commandMs,
  })
  if (code !== 0) throw diskError(cannotBeMounted(brick.device), stderr, code)
  const mounted = mountedAt(await mountTable(), mountPath)
  if (mounted?.device !== device.numbers) throw new Error(notMounted(device.path, mountPath))
  if (mounted.options.includes('ro')) throw new Refusal(canOnlyBeMountedReadOnly(brick.device))
}

/**
 * Only root may enter it: brick servers run as root, and a stage directive must not reach a brick's directory, whoever
 * owns that.
 */
export async function closeBrickRoot(): Promise<void> {
  await mkdir(brickRoot, { recursive: true, mode: 0o700 })
  await chmod(brickRoot, 0o700)
}

/**
 * Ends the process with that pid if it still serves the brick; otherwise does nothing. The caller has read the desired
 * document again: it says absent, which the scheduler writes only when no volume is left. Throws Error when the process
 * does not end in ten seconds.
 */
export async function stopBrickProcess(
  brick: DesiredBrick,
  pid: number,
  pathOf: PathOf,
  server: BrickServer,
): Promise<void> {
  const { numbers } = await listedDevice(brick.device, pathOf)
  const serving = await brickProcess(brickMountPath(brick.device), numbers, server, await commands(server))
  if (serving?.pid === pid) await endProcess(serving, 10_000)
}

/**
 * Unmounts the brick, never lazily. Throws Error while it is busy or a process serves it, Refusal when something else
 * is mounted there, CommandError when nothing is.
 */
export async function unmountBrick(brick: DesiredBrick, pathOf: PathOf, server: BrickServer, run: Run): Promise<void> {
  const { numbers } = await listedDevice(brick.device, pathOf)
  const mountPath = brickMountPath(brick.device)
  const mounted = mountedAt(await mountTable(), mountPath)
  if (mounted && mounted.device !== numbers) throw new Refusal(otherMountAt(mountPath, mounted.source))
  const serving = await brickProcess(mountPath, numbers, server, await commands(server))
  if (serving) throw new Error(stillServes(server.program, serving.pid, brick.device))
  await runOk(run, ['umount', '--', mountPath], { timeoutMs: commandMs })
  if (mountedAt(await mountTable(), mountPath)) throw new Error(stillMounted(mountPath))
  await rmdir(mountPath).catch(() => {})
}
