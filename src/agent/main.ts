import { watch } from 'chokidar'
import { systemClock } from '../daemon/clock.js'
import { etcdOptions } from '../daemon/configSchemas.js'
import { openLog } from '../daemon/log.js'
import { exitOnUncaught } from '../daemon/uncaught.js'
import { runDaemon } from '../daemon/main.js'
import { openNotifier } from '../daemon/notify.js'
import type { HostDocument } from '../model/documents/host.js'
import { openStore } from '../store/etcd.js'
import { type AgentConfig, readAgentConfig } from './config.js'
import { brickPortsOf, directSettingNames, ownBrickPorts } from './host/dataplane/direct/settings.js'
import { dataPlaneSettingNames } from './host/dataplane/glusterd/settings.js'
import { BrickFence, openDataPlaneService } from './host/dataplane/index.js'
import { readBoot } from './host/exec/bootId.js'
import { runCommand } from './host/exec/run.js'
import { realHost } from './host/index.js'
import { configurationRefused } from './messages.js'
import { requireOnlyAgent } from './onlyAgent.js'
import { serveHost } from './serve.js'

/**
 * Wires the agent: the real host, etcd, the inventory and the reconcilers. Stopping it leaves bricks and mounts as they
 * are.
 */
async function start(): Promise<{ stop(): Promise<void> }> {
  const { config, file, reread } = readAgentConfig(process.argv.slice(2))
  const clock = systemClock
  const log = openLog({
    program: 'agent',
    level: config.log.level,
    ...(config.log.file ? { file: config.log.file } : {}),
  })
  exitOnUncaught(log)
  await requireOnlyAgent(config.host)
  log.info('starting', { config })
  const store = openStore(etcdOptions(config.etcd), { clock, log })
  let filterProblems: string[] = []
  let tell = () => {}
  let tellBrickProblems: (problems: string[]) => void = () => {}
  const dataPlane = await openDataPlaneService({
    settings: config,
    ownBrickPorts: ownBrickPorts(config),
    clock,
    log,
    onFilterProblem: (problem) => {
      filterProblems = problem === undefined ? [] : [problem]
      tell()
    },
  })
  let fenceProblems: string[] = []
  const fence = new BrickFence({
    enabled: config.packetFilter.enabled,
    run: runCommand,
    clock,
    log,
    onProblem: (problem) => {
      fenceProblems = problem === undefined ? [] : [problem]
      tell()
    },
  })
  if (config.roles.includes('storage')) await fence.start()
  const boot = await readBoot()
  const host = realHost({
    onServers: (servers) => dataPlane.learnServers(servers),
    name: config.host,
    boot,
    mountRoot: config.mountRoot,
    leftovers: {
      graceMs: config.leftovers.graceSeconds * 1000,
      killMs: config.leftovers.killSeconds * 1000,
      giveUpMs: config.leftovers.giveUpSeconds * 1000,
    },
    stagePaths: config.stagePaths,
    stagingPriority: config.stagingPriority,
    stageLimits: config.stageLimits,
    plaintextSwap: config.swap.plaintext,
    pools: config.pools,
    clock,
    log,
    runPlane: dataPlane.run,
    direct: { fence },
    onBrickProblems: (problems) => tellBrickProblems(problems),
  })
  let document = await hostDocument(config, await host.versions(), clock.unixSeconds(), boot)
  const { roles, cluster } = config
  const service = serveHost({ host, roles, document, store, clock, log, ...(cluster ? { cluster } : {}) })
  tellBrickProblems = (problems) => service.tellProblems('bricks', problems)
  tell = () => {
    service.tellProblems('packet filter', filterProblems)
    service.tellProblems('brick fence', fenceProblems)
  }
  tell()
  host.tendLogs()
  host.onTransferEnd(() => service.wake('transfer'))
  host.onBrickEnd(() => service.wake('volume'))
  host.onClientEnd(() => service.wake('mount'))
  const watchDevices = (pools: AgentConfig['pools']) =>
    config.roles.includes('storage')
      ? service.inventory.watchDirectories(Object.values(pools).flat())
      : Promise.resolve()
  await watchDevices(config.pools)
  dataPlane.onChange((isThere) => {
    service.wake('volume', 'peer')
    if (!isThere) return
    void host.versions().then((versions) => {
      document = { ...document, versions: { ...document.versions, ...versions } }
      service.update(document)
    })
  })

  const configWatcher = watch(file, {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
  })
  configWatcher.on('all', () => {
    try {
      const next = reread()
      warnOfRestart(config, next, log.warn.bind(log))
      host.setPools(next.pools)
      service.tellProblems('configuration', [])
      watchDevices(next.pools).catch((error: unknown) =>
        log.warn('cannot watch the directories of devices', { reason: String(error) }),
      )
      service.refreshInventory().catch((error: unknown) => log.warn('inventory failed', { reason: String(error) }))
      log.info('configuration read again', { pools: next.pools })
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      log.error('configuration refused, the old settings stay', { reason: problem })
      service.tellProblems('configuration', [configurationRefused(problem)])
    }
  })
  configWatcher.on('error', (error) => log.warn('cannot watch the configuration file', { reason: String(error) }))

  const notifier = openNotifier({ clock, log, isHealthy: () => service.isHealthy() })
  notifier.ready(`${config.host}: ${config.roles.join(', ')}`)
  return {
    stop: async () => {
      notifier.stopping()
      notifier.close()
      await configWatcher.close()
      dataPlane.close()
      fence.close()
      await service.stop()
      await host.close()
      await store.close()
      log.info('stopped: bricks and mounts stay as they are')
    },
  }
}

async function hostDocument(
  config: AgentConfig,
  versions: Record<string, string>,
  startedAt: number,
  boot: string | undefined,
): Promise<HostDocument> {
  const addresses = config.addresses ?? [config.host]
  const brickPorts = brickPortsOf(config)
  return {
    v: 1,
    host: config.host,
    roles: config.roles,
    addresses,
    versions: { ...versions, node: process.versions.node },
    startedAt,
    ...(boot === undefined ? {} : { boot }),
    ...(brickPorts === undefined ? {} : { brickPorts }),
    ...(config.stagePaths.length > 0 && config.roles.includes('storage') ? { stagePaths: config.stagePaths } : {}),
  }
}

/** Only the pools change without a restart: warns about a change of any other setting. */
function warnOfRestart(before: AgentConfig, after: AgentConfig, warn: (phrase: string, fields: object) => void): void {
  const names = (
    [
      'cluster',
      'host',
      'roles',
      'etcd',
      'addresses',
      'mountRoot',
      'stagePaths',
      'stagingPriority',
      'stageLimits',
      'leftovers',
      ...dataPlaneSettingNames,
      ...directSettingNames,
      'swap',
      'log',
    ] as const
  ).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
  if (names.length > 0) warn('changed settings need a restart of the agent', { settings: names })
}

runDaemon(start)
