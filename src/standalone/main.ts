import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../daemon/clock.js'
import { openLog } from '../daemon/log.js'
import { schedulerConfig } from '../scheduler/config.js'
import { openStore } from '../store/etcd.js'
import { type Shape, startCluster } from './cluster.js'
import { Missing, startEtcd } from './etcd.js'
import { howToStop } from './messages.js'
import { readOptions } from './options.js'

/** Runs a whole cluster on simulated hosts until SIGINT or SIGTERM, and then removes everything that it made. */
async function start(): Promise<() => Promise<void>> {
  const { etcd, shape, faults } = await readOptions(process.argv.slice(2))
  const directory = mkdtempSync(join(tmpdir(), 'burstbuffer-'))
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
  const own = etcd === undefined ? await startEtcd(directory) : undefined
  const endpoint = etcd ?? own!.endpoint
  const logFile = join(directory, 'log')
  const log = openLog({ program: 'standalone', level: 'info', file: logFile })
  const clock = systemClock
  const socket = join(directory, 'scheduler.sock')
  const config = schedulerConfig.parse({
    cluster: 'standalone',
    host: 'head',
    etcd: { endpoints: [endpoint], insecure: true },
    socket,
    pools: { [shape.pool]: { granularity: shape.granularityBytes } },
    storageHosts: Object.keys(shape.storage),
  })
  const store = () => openStore({ endpoints: [endpoint] }, { clock, log })
  const cluster = await startCluster({ shape, faults, config, openStore: store, clock, log })
  process.stdout.write(greeting({ shape, endpoint, socket, logFile }))
  return async () => {
    await cluster.stop()
    await own?.stop()
  }
}

function greeting(of: { shape: Shape; endpoint: string; socket: string; logFile: string }): string {
  const hosts = Object.values(of.shape.storage)
  const devices = hosts.reduce((sum, count) => sum + count, 0)
  const program = import.meta.filename.endsWith('.ts') ? 'npx tsx src/cli/bbctl.ts' : 'node dist/cli/bbctl.js'
  return `${hosts.length} storage hosts with ${devices} simulated devices, ${of.shape.computeHosts} compute hosts
etcd   ${of.endpoint}
log    ${of.logFile}
socket ${of.socket}

In another shell (npm run build makes the programs in dist/bin):

  export BURSTBUFFER_SOCKET=${of.socket}
  dist/bin/fakewarp --function pools
  dist/bin/dw_wlm_cli --function create_persistent -c CLI -t mybuffer -u 1001 -C ${of.shape.pool}:3TB -a striped
  dist/bin/dwstat all
  ${program} status
  ${program} show mybuffer
  dist/bin/dw_wlm_cli --function teardown --token mybuffer

${howToStop()}
`
}

start().then(
  (stop) => {
    let ending = false
    // npm and the terminal both pass Ctrl-C on, so that the signal comes twice.
    const end = () => {
      if (ending) return
      ending = true
      stop().then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      )
      setTimeout(() => process.exit(1), 10_000).unref()
    }
    process.on('SIGINT', end)
    process.on('SIGTERM', end)
  },
  (error: unknown) => fail(error),
)

function fail(error: unknown): never {
  const expected = error instanceof Missing || (error instanceof Error && error.constructor === Error)
  process.stderr.write(`${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`)
  process.exit(1)
}
