import { watch } from 'chokidar'
import { systemClock } from '../daemon/clock.js'
import { etcdOptions } from '../daemon/configSchemas.js'
import { openLog } from '../daemon/log.js'
import { runDaemon } from '../daemon/main.js'
import { openNotifier } from '../daemon/notify.js'
import type { HostDocument } from '../model/documents.js'
import { openStore } from '../store/etcd.js'
import { keepKey } from '../store/kept.js'
import { keys } from '../store/keys.js'
import { Agent } from './agent.js'
import { type AgentConfig, readAgentConfig } from './config.js'
import { realHost } from './host/index.js'
import { Inventory } from './inventory.js'

const leaseSeconds = 15

/** Wires the agent: the real host, etcd, the inventory and the reconcilers. Stopping it leaves bricks and mounts as they are. */
async function start(): Promise<{ stop(): Promise<void> }> {
  const { config, file, reread } = readAgentConfig(process.argv.slice(2))
  const clock = systemClock
  const log = openLog({
    program: 'agent',
    level: config.log.level,
    ...(config.log.file ? { file: config.log.file } : {}),
  })
  log.info('starting', { config })
  const store = openStore(etcdOptions(config.etcd), { clock, log })
  const host = realHost({ name: config.host, mountRoot: config.mountRoot, pools: config.pools, clock, log })
  const inventory = new Inventory({ host, store, clock, log })
  const refreshInventory = () => (config.roles.includes('storage') ? inventory.refresh() : Promise.resolve())
  const agent = new Agent({ host, roles: config.roles, store, clock, log, refreshInventory })
  const document = await hostDocument(config, await host.versions(), clock.unixSeconds())

  // etcd may be away: what follows waits for it and says so in the log; nothing on the host changes meanwhile.
  let stopping = false
  const begun = (async () => {
    while (!stopping) {
      try {
        await refreshInventory()
        return
      } catch (error) {
        log.warn('waiting for etcd', { endpoints: config.etcd.endpoints, reason: String(error) })
        await new Promise<void>((resolve) => clock.after(1_000, resolve))
      }
    }
  })()
  let kept: ReturnType<typeof keepKey> | undefined
  void begun.then(async () => {
    if (stopping) return
    kept = keepKey(store, keys.host(config.host), document, { ttlSeconds: leaseSeconds, clock, log })
    if (config.roles.includes('storage')) {
      await inventory.watchDirectories(Object.values(config.pools).flat())
      inventory.start()
    }
    agent.start()
    log.info('serving', { host: config.host, roles: config.roles })
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
      kept?.update(document)
      void inventory.watchDirectories(Object.values(next.pools).flat())
      refreshInventory().catch((error: unknown) => log.warn('inventory failed', { reason: String(error) }))
      log.info('configuration read again', { pools: next.pools })
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      log.error('configuration refused, the old settings stay', { reason: problem })
      kept?.update({ ...document, problems: [`configuration refused: ${problem}`] })
    }
  })
  configWatcher.on('error', (error) => log.warn('configuration file cannot be watched', { reason: String(error) }))

  const notifier = openNotifier({ clock, log, isHealthy: () => true })
  notifier.ready(`${config.host}: ${config.roles.join(', ')}`)
  return {
    stop: async () => {
      stopping = true
      notifier.stopping()
      notifier.close()
      await configWatcher.close()
      await inventory.close()
      await agent.stop()
      await kept?.close()
      await store.close()
      log.info('stopped: bricks and mounts stay as they are')
    },
  }
}

async function hostDocument(
  config: AgentConfig,
  versions: Record<string, string>,
  startedAt: number,
): Promise<HostDocument> {
  const addresses = config.addresses ?? [config.host]
  return {
    v: 1,
    host: config.host,
    roles: config.roles,
    addresses,
    versions: { ...versions, node: process.versions.node },
    startedAt,
  }
}

/** Only the pools change without a restart; a change of anything else is said rather than swallowed. */
function warnOfRestart(before: AgentConfig, after: AgentConfig, warn: (phrase: string, fields: object) => void): void {
  const names = (['host', 'roles', 'etcd', 'addresses', 'mountRoot', 'log'] as const).filter(
    (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
  )
  if (names.length > 0) warn('changed settings need a restart of the agent', { settings: names })
}

runDaemon(start)
