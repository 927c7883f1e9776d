import { createHash } from 'node:crypto'
import type { DirectSource } from '../../../../model/documents/direct.js'
import { mountName } from '../../../plan/dataplane/direct/mountSource.js'
import { Unavailable } from '../../../port/host.js'
import { coalesce } from '../../exec/coalesce.js'
import { mountedAt, mountTable } from '../../exec/mounts.js'
import { endProcess } from '../../exec/processes.js'
import type { Client, MountSource, MountUse } from '../dataPlane.js'
import { graphOf } from '../common/graphs.js'
import type { BrickMeans } from './bricks.js'
import { startClient } from './clientStart.js'
import { isOutdated, requireValid, tlsFilesOf, writeCredential } from './credentials.js'
import { exportWord } from './exportWord.js'
import { areThere, filesOf, removeFiles } from './files.js'
import { removeLog } from './logs.js'
import { bricksOffline, noLogin, toMount } from './messages.js'
import { probeBrick, probeTlsOf } from './probe.js'
import type { ProcessWatch } from './processWatch.js'
import { runningProcesses } from './running.js'

const probeMs = 5_000
const readyMs = 20_000
const endMs = 10_000
/** As the agent: a job would lose its buffer when memory is short. */
const oomScoreAdj = -500

/**
 * Mounts by a client of the agent's own, which outlives it. A mount of fewer bricks than the buffer has would show fewer files
 * without an error, so that every brick has to let it in first. `prepare`: makes the directories. `watch`: by path.
 */
export function client(means: BrickMeans, prepare: () => Promise<void>, watch: ProcessWatch): Client {
  // A transfer asks for the mounts of hundreds of nodes at once: one look at the machine's processes answers all.
  const processes = coalesce(runningProcesses)
  const clientAt = async (path: string) =>
    (await processes()).find((each) => each.kind === 'client' && each.mountPoint === path)
  const end = (path: string) => {
    watch.forget(path)
    return endClient(path, means)
  }
  return {
    liveFirst: (servers) => Promise.resolve([...servers]),
    mount: async (source, path, use) => {
      const { direct } = source
      if (!direct) throw new TypeError(`no export of volume ${source.volume} is named`)
      if (direct.tls) requireValid(direct.tls, toMount(source.volume), means.now())
      await requireBricks(direct)
      await prepare()
      await end(path)
      await mountExport({ ...source, direct }, path, use, means)
    },
    unmounted: end,
    follow: async (path) => {
      if (watch.isFollowed(path)) return
      const found = await clientAt(path)
      if (found) watch.follow(path, found)
    },
    hasOldCertificate: async ({ direct }, path) =>
      direct?.tls !== undefined &&
      isOutdated(filesOf('client', idOf(path), means.directories), direct.tls, means.now()),
    renewCertificate: async ({ direct, volume }, path) => {
      if (!direct?.tls) return
      requireValid(direct.tls, toMount(volume), means.now())
      await writeCredential(filesOf('client', idOf(path), means.directories), direct.tls)
    },
    // Of an agent that died after it had unmounted, or before it mounted.
    isLeft: async (path) =>
      areThere(filesOf('client', idOf(path), means.directories)) || (await clientAt(path)) !== undefined,
    // The agent is root, whom no mode stops.
    mountPointMode: '000',
    fusermounts: [],
  }
}

/** Throws Unavailable with what each brick says that does not let this host in with the login or the certificate. */
export async function requireBricks({ bricks, export: name, login, tls }: DirectSource): Promise<void> {
  const access = tls ? { tls: probeTlsOf(tls) } : { login }
  const offline = await Promise.all(
    bricks.map(async ({ address, port }) => {
      const answer = await probeBrick({ host: address, port, export: exportWord(name), ...access, timeoutMs: probeMs })
      if (answer.kind === 'accepted') return []
      return [`${address} port ${port} (${'reason' in answer ? answer.reason : 'timed out'})`]
    }),
  )
  if (offline.flat().length > 0) throw new Unavailable(bricksOffline(offline.flat()))
}

async function mountExport(
  { volume, direct }: MountSource & { direct: DirectSource },
  path: string,
  { clientCache, acl = false }: MountUse,
  { directories, run, warn }: BrickMeans,
): Promise<void> {
  const { bricks, login, tls, export: name, minBytes } = direct
  const id = idOf(path)
  const files = filesOf('client', id, directories)
  if (tls) await writeCredential(files, tls)
  else if (!login) throw new TypeError(noLogin(name))
  const access = tls ? { tls: tlsFilesOf(files) } : { login: login! }
  const remote = bricks.map(({ address, port }) => ({ host: address, port, export: exportWord(name) }))
  const start = {
    id,
    name: mountName({ volume, export: name }),
    volume: { bricks: remote, layout: { kind: 'distribute' as const }, ...access },
    mountPoint: path,
    graph: graphOf(clientCache),
    acl,
    directories,
    oomScoreAdj,
    minBytes,
    timeoutMs: readyMs,
  }
  await startClient(start, run, warn).catch(async (error: unknown) => {
    // The reason is in the error.
    await removeLog(files)
    throw error
  })
}

/** Ends the client of a path where nothing is mounted (any more), and removes its files. May be repeated. */
async function endClient(path: string, { directories }: BrickMeans): Promise<void> {
  if (mountedAt(await mountTable(), path)) return
  for (const each of await runningProcesses())
    if (each.kind === 'client' && each.mountPoint === path) await endProcess(each, endMs)
  const files = filesOf('client', idOf(path), directories)
  await removeFiles(files)
  await removeLog(files)
}

/** Names the files of the client with that mount point. One client at a time has it. */
export function idOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32)
}
