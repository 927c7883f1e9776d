import { release } from 'node:os'
import type { Clock } from '../../daemon/clock.js'
import type { Log } from '../../daemon/log.js'
import { brickMountPath } from '../../model/cluster.js'
import type { DesiredBrick } from '../../model/documents/brick.js'
import type { DirectSource } from '../../model/documents/direct.js'
import type { DesiredTransfer } from '../../model/documents/transfer.js'
import type { Host } from '../port/host.js'
import { adoptDevice, adoptFacts } from './disk/adoption.js'
import { brickFacts, isBrickWhole, readHostSnapshot } from './disk/brickFacts.js'
import { formatBrick, makeBrickDirectory } from './disk/brickFormat.js'
import { mountBrick, stopBrickProcess, unmountBrick } from './disk/brickMount.js'
import { wipeBrick } from './disk/brickWipe.js'
import type { PathOf } from './disk/listedDevice.js'
import { stampBrick } from './disk/stamp.js'
import * as clients from './client/bufferMount.js'
import { discover, pathsByName, type Pools, type SeenDevices } from './disk/discover.js'
import { dataPlanesOn, type DirectParts } from './dataplane/index.js'
import { leftovers, type LeftoverTimes } from './client/leftovers.js'
import { LongWipes } from './disk/longWipes.js'
import { type Run, runCommand } from './exec/run.js'
import { coalesce } from './exec/coalesce.js'
import { brickIsKept } from './messages.js'
import { survey } from './survey.js'
import { attachSwap, closeSwap, detachSwap, disableSwap, enableSwap, encryptSwap } from './client/swapDevice.js'
import { swapFacts } from './client/swapFacts.js'
import { allocateSwap, removeSwap } from './client/swapFiles.js'
import { transfers } from './staging/index.js'
import type { StageLimits } from './staging/limits.js'
import type { StagingPriority } from './staging/priority.js'
import { abilitiesOf } from './disk/wipeAbilities.js'

export interface RealHostOptions {
  name: string
  boot?: string | undefined
  /** For each pool: paths and globs of whole devices. */
  pools: Pools
  mountRoot: string
  /** The paths below which users may stage. */
  stagePaths?: readonly string[]
  stagingPriority?: StagingPriority
  stageLimits?: StageLimits | undefined
  /** Swap may be in plain text. */
  plaintextSwap?: boolean
  /** How long processes and mounts that a job left in its mount may stay. */
  leftovers?: LeftoverTimes
  clock: Clock
  log: Log
  run?: Run
  /** Called with what this host mounts from, before it mounts. */
  onServers?: (servers: { hosts: readonly string[]; ports: readonly number[] }) => Promise<void>
  /** Runs the data plane's commands, where they do not run on this host itself. */
  runPlane?: Run | undefined
  /** Bricks and mounts that the agent serves itself. */
  direct?: Partial<Pick<DirectParts, 'directories' | 'fence'>>
  /** Hears why bricks cannot be served here, for operators; an empty list when they can. */
  onBrickProblems?: (problems: string[]) => void
}

/** This machine. */
export interface RealHost extends Host {
  /** Sets other paths and globs of devices, for the next discovery. */
  setPools(pools: Pools): void
  /** Keeps the logs of processes that it starts short from now on, until it is closed. */
  tendLogs(): void
  /** Calls back when work on a transfer has ended. */
  onTransferEnd(callback: () => void): void
  /** Ends the copies and the long wipes under way; the next agent continues them. */
  close(): Promise<void>
  /** Calls back when a process has ended that serves a brick, and nobody told it to. */
  onBrickEnd(callback: () => void): void
  /** Calls back when the client of a mount has ended, and nobody told it to. */
  onClientEnd(callback: () => void): void
}

/** Nothing in the first outlives a reboot; systemd gives the agent its parent. */
const usualDirectories = { run: '/run/burstbuffer-agent/direct', log: '/var/log/burstbuffer/direct' }
const usualTimes: LeftoverTimes = { graceMs: 30_000, killMs: 10_000, giveUpMs: 60_000 }

/**
 * This machine. Starts nothing by itself. `run` and `runPlane` run the programs; each command is logged.
 */
export function realHost(options: RealHostOptions): RealHost {
  const run = logged(options.run ?? runCommand, options)
  const { mountRoot, name } = options
  let onBrickEnd = () => {}
  let onClientEnd = () => {}
  const planes = dataPlanesOn({
    name,
    run,
    runPlane: options.runPlane && logged(options.runPlane, options),
    warn: (phrase, fields) => options.log.warn(phrase, fields),
    direct: {
      boot: options.boot,
      clock: options.clock,
      directories: usualDirectories,
      isReady: async (brick, directory) => isBrickWhole(brick, directory, await pathOf()),
      onBrickEnd: () => onBrickEnd(),
      onClientEnd: () => onClientEnd(),
      onProblems: (problems) => options.onBrickProblems?.(problems),
      ...options.direct,
    },
  })
  const planeOf = ({ direct }: { direct?: object | undefined }) => planes.of(direct ? 'direct' : 'glusterd')
  const wipeAbilities = abilitiesOf(run, options.clock)
  const longWipes = new LongWipes()
  const wipeMeans = { run, longWipes }
  let { pools } = options
  const seen: SeenDevices = new Map()
  let paths: Map<string, string> | undefined

  /** Expands globs again each time, so that a disk that was added or removed is noticed. */
  const pathOf = async (): Promise<PathOf> => {
    paths = await pathsByName(pools)
    return (device) => paths?.get(device)
  }

  const snapshot = coalesce(() => readHostSnapshot(planes.brickServer))

  /**
   * Invariant 5, checked with the data plane itself: a brick of a volume is not removed because of the desired document
   * alone.
   */
  const refuseWhileHeld = async ({ device, dataPlane }: DesiredBrick): Promise<void> => {
    const holding = await planes.of(dataPlane).whyHeld(brickMountPath(device))
    if (holding !== undefined) throw new Error(brickIsKept(device, holding))
  }

  const swapHost = { self: name, run, plaintext: options.plaintextSwap ?? false }
  const { clock, log, leftovers: times = usualTimes } = options
  const left = leftovers({
    ...times,
    fusermounts: planes.all.flatMap(({ client }) => client.fusermounts),
    run,
    clock,
    log,
  })

  let onTransferEnd = () => {}
  const staging = transfers({
    name,
    stagePaths: options.stagePaths ?? [],
    priority: options.stagingPriority ?? 'normal',
    limits: options.stageLimits,
    run,
    requireAllBricksOnline: (transfer) => planeOf(transfer).requireAllBricksOnline(transfer),
    mountAt: async (transfer, point) => {
      const { client } = planeOf(transfer)
      const servers = await client.liveFirst(transfer.servers)
      await client.mount({ servers, ...sourceOf(transfer, point) }, point.path, { acl: true })
    },
    onUnmounted: (transfer, path) => planeOf(transfer).client.unmounted(path),
    isLeft: (transfer, path) => planeOf(transfer).client.isLeft(path),
    certificates: {
      isOld: (transfer, point) => planeOf(transfer).client.hasOldCertificate(sourceOf(transfer, point), point.path),
      renew: (transfer, point) => planeOf(transfer).client.renewCertificate(sourceOf(transfer, point), point.path),
    },
    log: options.log,
    onEnd: () => onTransferEnd(),
  })

  return {
    name,
    boot: options.boot,
    setPools: (next) => (pools = next),
    tendLogs: () => planes.tendLogs(),
    onTransferEnd: (callback) => (onTransferEnd = callback),
    onBrickEnd: (callback) => (onBrickEnd = callback),
    onClientEnd: (callback) => (onClientEnd = callback),
    close: async () => {
      planes.close()
      await Promise.all([staging.close(), longWipes.close()])
    },
    versions: async () => {
      const versions = await Promise.all(planes.all.map((plane) => plane.versions()))
      return Object.assign({ kernel: release() }, ...versions) as Record<string, string>
    },
    discover: (only) => discover(pools, run, wipeAbilities, { only, seen }),
    survey: () => survey(mountRoot, Object.keys(pools).length > 0 ? planes.all : []),
    observe: {
      brick: async (brick) => brickFacts(brick, await pathOf(), await snapshot(), wipeMeans),
      ...planes.observe,
      mount: async (mount) => {
        const bricks = mount.direct?.bricks ?? []
        const hosts = [...mount.servers, ...bricks.map(({ address }) => address)]
        await options.onServers?.({ hosts, ports: bricks.map(({ port }) => port) })
        return clients.mountFacts(mount, left.facts, planeOf(mount).client, run)
      },
      transfer: (transfer) => staging.facts(transfer),
      swap: (swap) => swapFacts(swap, swapHost),
      adopt: async (adopt) => adoptFacts(adopt, options.clock.unixSeconds(), await pathOf(), wipeMeans),
    },
    effects: {
      // The device will hold new data: an earlier erasure no longer counts.
      formatBrick: async ({ brick, over }) => {
        longWipes.forget(brick.uuid)
        await formatBrick(brick, over, await pathOf(), run)
      },
      mountBrick: async ({ brick }) => {
        longWipes.forget(brick.uuid)
        await mountBrick(brick, await pathOf(), run)
      },
      stampBrick: ({ brick }) => stampBrick(brick),
      makeBrickDirectory: ({ brick }) => makeBrickDirectory(brick),
      stopBrickProcess: async ({ brick, pid }) => {
        await refuseWhileHeld(brick)
        await stopBrickProcess(brick, pid, await pathOf(), planes.brickServer)
      },
      unmountBrick: async ({ brick }) => {
        await refuseWhileHeld(brick)
        await unmountBrick(brick, await pathOf(), planes.brickServer, run)
      },
      wipeBrick: async ({ brick }) => wipeBrick(brick, await pathOf(), wipeMeans),
      ...planes.effects,
      mountBuffer: ({ mount }) => clients.mountBuffer(mount, mountRoot, planeOf(mount).client, run),
      unmountBuffer: ({ mount }) => clients.unmountBuffer(mount, mountRoot, left.refused, planeOf(mount).client, run),
      renewCertificate: ({ mount }) => planeOf(mount).client.renewCertificate(mount, mount.path),
      signalMountUsers: ({ mount, signal }) => left.signal(mount, signal),
      unmountBelow: ({ mount, below }) => left.unmountBelow(mount, below),
      allocateSwap: ({ swap }) => allocateSwap(swap, swapHost),
      attachSwap: ({ swap }) => attachSwap(swap, swapHost),
      encryptSwap: ({ swap }) => encryptSwap(swap, swapHost),
      enableSwap: ({ swap }) => enableSwap(swap, swapHost),
      disableSwap: ({ swap }) => disableSwap(swap, swapHost),
      closeSwap: ({ swap }) => closeSwap(swap, swapHost),
      detachSwap: ({ swap }) => detachSwap(swap, swapHost),
      removeSwap: ({ swap }) => removeSwap(swap, swapHost),
      adoptDevice: async ({ adopt }) => adoptDevice(adopt, options.clock.unixSeconds(), await pathOf(), wipeMeans),
      mountTransfer: ({ transfer }) => staging.mount(transfer),
      renewTransferCertificate: ({ transfer }) => staging.renewCertificate(transfer),
      scanTransfer: ({ transfer }) => staging.scan(transfer),
      copyTransfer: ({ transfer }) => staging.copy(transfer),
      finishTransfer: ({ transfer }) => staging.finish(transfer),
      stopTransfer: ({ transfer }) => staging.stop(transfer),
      endTransfer: ({ transfer }) => staging.end(transfer),
    },
  }
}

/** What is mounted at one of a transfer's mount points. */
function sourceOf({ volume, tls }: DesiredTransfer, { direct }: { direct?: DirectSource }) {
  return { volume, direct: direct && { ...direct, tls } }
}

function logged(run: Run, { clock, log }: RealHostOptions): Run {
  return async (argv, options) => {
    const start = clock.monotonicMs()
    try {
      const result = await run(argv, options)
      log.debug('command', { argv, code: result.code, ms: Math.round(clock.monotonicMs() - start) })
      return result
    } catch (error) {
      log.debug('command failed', { argv, reason: String(error), ms: Math.round(clock.monotonicMs() - start) })
      throw error
    }
  }
}
