import { ConfigError } from './configFile.js'

/**
 * Runs a daemon until SIGTERM or SIGINT: `start` returns what ends it in good order. Bad configuration ends the process
 * with its message alone and exit code 2, anything else that start throws with 1.
 */
export function runDaemon(start: () => Promise<{ stop(): Promise<void> }>): void {
  // Its own, wherever it runs. What others need to reach is given its mode by name.
  process.umask(0o077)
  let stopping = false
  start().then(
    (daemon) => {
      const stop = (signal: NodeJS.Signals) => {
        if (stopping) return
        stopping = true
        // Whatever hangs on the way out must not keep systemd waiting.
        setTimeout(() => process.exit(signal === 'SIGTERM' ? 0 : 130), 10_000).unref()
        daemon.stop().then(
          () => process.exit(0),
          (error: unknown) => fail(error),
        )
      }
      process.on('SIGTERM', stop)
      process.on('SIGINT', stop)
    },
    (error: unknown) => fail(error),
  )
}

function fail(error: unknown): never {
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(1)
}
