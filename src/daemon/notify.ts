import { spawn } from 'node:child_process'
import type { Clock } from './clock.js'
import type { Log } from './log.js'

export interface Notifier {
  ready(status: string): void
  stopping(): void
  close(): void
}

/**
 * Tells systemd (`Type=notify`) our state by the program `systemd-notify`, because Node has no datagram sockets. Without NOTIFY_SOCKET it
 * does nothing. The watchdog is fed at half its period, as long as `isHealthy` returns true.
 */
export function openNotifier(options: {
  clock: Clock
  log: Log
  isHealthy: () => boolean
  environment?: NodeJS.ProcessEnv
}): Notifier {
  const { clock, log, isHealthy } = options
  const environment = options.environment ?? process.env
  const socket = environment['NOTIFY_SOCKET']
  const watchdogMs = Number(environment['WATCHDOG_USEC'] ?? 0) / 1000
  let cancel: () => void = () => {}
  const send = (...words: string[]) => {
    if (!socket) return
    const child = spawn('systemd-notify', [`--pid=${process.pid}`, ...words], { env: environment, stdio: 'ignore' })
    child.on('error', (error) => log.warn('systemd-notify failed', { reason: error.message }))
  }
  const feed = () => {
    if (isHealthy()) send('WATCHDOG=1')
    else log.error('unhealthy: the watchdog is not fed')
    cancel = clock.after(watchdogMs / 2, feed)
  }
  return {
    ready: (status) => {
      send('--ready', `--status=${status}`)
      if (socket && watchdogMs > 0) feed()
    },
    stopping: () => send('STOPPING=1'),
    close: () => cancel(),
  }
}
