import { systemClock } from '../daemon/clock.js'
import { etcdOptions } from '../daemon/configSchemas.js'
import { openLog } from '../daemon/log.js'
import { exitOnUncaught } from '../daemon/uncaught.js'
import { runDaemon } from '../daemon/main.js'
import { openNotifier } from '../daemon/notify.js'
import { openStore } from '../store/etcd.js'
import { systemAccounts } from './users/accounts.js'
import { readSchedulerConfig } from './config.js'
import { startScheduler } from './scheduler.js'

/** Connects the scheduler to etcd and to its socket. It answers at once, also while etcd does not answer. */
async function start(): Promise<{ stop(): Promise<void> }> {
  const config = readSchedulerConfig(process.argv.slice(2))
  const clock = systemClock
  const log = openLog({ program: 'scheduler', level: config.log.level, file: config.log.file })
  exitOnUncaught(log)
  log.info('starting', { config })
  const store = openStore(etcdOptions(config.etcd), { clock, log })
  const candidate = { host: config.host, pid: process.pid }
  const accounts = systemAccounts(clock, log)
  const scheduler = await startScheduler({ store, config, candidate, accounts, clock, log })
  const notifier = openNotifier({ clock, log, isHealthy: () => scheduler.isHealthy() })
  notifier.ready(`${config.host}: ${config.socket}`)
  return {
    stop: async () => {
      notifier.stopping()
      notifier.close()
      await scheduler.stop()
      await store.close()
      log.info('stopped: buffers stay as they are')
    },
  }
}

runDaemon(start)
