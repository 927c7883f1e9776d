import Table from 'cli-table3'
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Measured } from './measured.js'
import { ScaleRig } from './rig.js'
import { sections } from './sections.js'

export const usage = `npm run bench -- scale [--hosts 1000] [--buffers 10000] [--nodes 2000] [--only idle,burst,…] [--json]
      [--share 50: hosts that share a connection to etcd; 1: each has its own] [--plane glusterd|direct]
  sections: ${Object.keys(sections).join(', ')}`

/** One scheduler with many hosts, buffers and nodes. */
export async function scale(argv: string[]): Promise<void> {
  const options = read(argv)
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: resolve(import.meta.dirname, '../..'), stdio: 'inherit' })
  const say = (line: string) => console.error(`scale: ${line}`)
  const rig = new ScaleRig({ ...options, program: 'built' })
  const results: Record<string, Measured[]> = {}
  try {
    await rig.start(say)
    for (const name of options.only) {
      say(name)
      try {
        results[name] = await sections[name]!(rig, say)
      } catch (error) {
        say(`${name} failed: ${String(error)}\n${rig.lastWords('head')}`)
        process.exitCode = 1
        if (!rig.scheduler.isRunning) break
        continue
      }
      if (!options.json) print(name, results[name])
    }
    if (options.json) console.log(JSON.stringify({ options, results }))
  } finally {
    await rig.close()
  }
}

function read(argv: string[]) {
  const { values } = parseArgs({
    args: argv,
    options: {
      json: { type: 'boolean', default: false },
      hosts: { type: 'string', default: '1000' },
      buffers: { type: 'string', default: '10000' },
      nodes: { type: 'string', default: '2000' },
      share: { type: 'string', default: '50' },
      plane: { type: 'string', default: 'glusterd' },
      only: { type: 'string', default: Object.keys(sections).join() },
    },
  })
  const [hosts, buffers, nodes, share] = [values.hosts, values.buffers, values.nodes, values.share].map(Number)
  const only = values.only.split(',')
  const isPossible =
    [hosts, buffers, nodes, share].every((number) => Number.isInteger(number)) &&
    hosts! > 0 &&
    share! > 0 &&
    buffers! <= 12 * hosts! &&
    only.every((name) => Object.hasOwn(sections, name)) &&
    (values.plane === 'glusterd' || values.plane === 'direct')
  if (!isPossible) {
    console.error(`bench: at most twelve buffers a host; write ${usage}`)
    process.exit(2)
  }
  const plane = values.plane as 'glusterd' | 'direct'
  return { json: values.json, only, hosts: hosts!, buffers: buffers!, nodes: nodes!, share: share!, dataPlane: plane }
}

function print(name: string, rows: Measured[]): void {
  const table = new Table({
    head: [
      name,
      'wall',
      'scheduler CPU',
      'each',
      'pause',
      'etcd CPU',
      'txns',
      'puts',
      'leases',
      'getent',
      'agents CPU',
      'rig CPU, pause',
      'wanted',
    ],
    style: { head: [], border: [] },
  })
  for (const row of rows) {
    const each =
      row.count > 1
        ? `${(row.schedulerCpuMs / row.count).toFixed(2)} ms, ${(row.transactions / row.count).toFixed(1)} txns`
        : ''
    table.push([
      row.what,
      ms(row.wallMs),
      ms(row.schedulerCpuMs),
      each,
      ms(row.schedulerPauseMs),
      ms(row.etcdCpuMs),
      row.transactions,
      row.puts,
      row.leasesGranted,
      row.nameServiceCalls,
      ms(row.agentsCpuMs),
      `${ms(row.rigCpuMs)}, ${ms(row.rigPauseMs)}`,
      row.wanted ?? '',
    ])
  }
  console.log(table.toString())
  for (const { what, failed, note } of rows) {
    if (failed > 0) console.log(`${what}: ${failed} FAILED`)
    if (note !== undefined) console.log(`${what}: ${note}`)
  }
}

function ms(value: number): string {
  return value < 10_000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`
}
