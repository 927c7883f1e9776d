import { ConfigError } from './configFile.js'

/**
 * Runs a daemon until SIGTERM or SIGINT: the `stop` of what `start` returns ends it cleanly. A ConfigError ends the process with its
 * message and exit code 2, any other error of `start` with 1.
 */
export function runDaemon(start: () => Promise<{ stop(): Promise<void> }>): void {
  // Independent of the caller's umask. Files for others get their mode explicitly.
  process.umask(0o077)
  let stopping = false
  start().then(
    (daemon) => {
      const stop = (signal: NodeJS.Signals) => {
        if (stopping) return
        stopping = true
        // If stopping hangs, systemd must not wait for it.
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
