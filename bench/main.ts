import Table from 'cli-table3'
import { parseArgs } from 'node:util'
import { burst } from './burst.js'
import { dwstat } from './dwstat.js'
import { idle } from './idle.js'
import { job } from './job.js'
import type { Benchmark, Figure } from './measure.js'
import { memory } from './memory.js'
import { place } from './place.js'
import { provision } from './provision.js'
import { scale, usage } from './scale/main.js'
import { shim } from './shim.js'
import { staging } from './staging.js'
import { planes } from './planes.js'
import { throughput } from './throughput.js'
import { tls } from './tls.js'

/*
 * npm run bench -- NAME… [--json] [--counts 1,3,10] [--rounds 3] [--files 20000] [--size 4GB] [--jobs 200] [--at-once 20]
 * [--plane direct]: each benchmark compares two things in one run, because the
 * load of the machine may vary.
 */

if (process.argv[2] === 'scale') {
  await scale(process.argv.slice(3))
  process.exit()
}

const benchmarks: Record<string, Benchmark> = {
  shim,
  provision,
  burst,
  job,
  idle,
  staging,
  memory,
  place,
  dwstat,
  tls,
  throughput,
}
const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    counts: { type: 'string', default: '1,3,10' },
    rounds: { type: 'string', default: '3' },
    files: { type: 'string', default: '20000' },
    size: { type: 'string', default: '4GB' },
    jobs: { type: 'string', default: '200' },
    'at-once': { type: 'string', default: '20' },
    plane: { type: 'string' },
  },
  allowPositionals: true,
})
const choice = {
  counts: values.counts.split(',').map(Number),
  rounds: Number(values.rounds),
  files: Number(values.files),
  bytes: Number(/^(\d+)MB$/.exec(values.size.replace('GB', '000MB'))?.[1] ?? 0) * 1e6,
  jobs: Number(values.jobs),
  atOnce: Number(values['at-once']),
  planes: planes.filter((plane) => values.plane === undefined || plane === values.plane),
}
const { counts, planes: chosen, ...single } = choice
if (![...counts, ...Object.values(single)].every((one) => Number.isInteger(one) && one > 0) || chosen.length === 0) {
  console.error(
    `bench: --counts takes numbers as in 1,3,10, --rounds, --files, --jobs and --at-once one number, --size one as in 500MB or 4GB, and --plane ${planes.join(' or ')}`,
  )
  process.exit(2)
}
const unknown = positionals.filter((name) => !Object.hasOwn(benchmarks, name))
if (positionals.length === 0 || unknown.length > 0) {
  console.error(
    unknown.length > 0
      ? `bench: there is no benchmark ${unknown.join(', ')}; the benchmarks are`
      : 'bench: a benchmark is missing; the benchmarks are',
  )
  for (const [name, { describe }] of Object.entries(benchmarks)) console.error(`  ${name.padEnd(10)} ${describe}`)
  console.error(`  or ${usage}`)
  process.exit(2)
}

const results: Record<string, Figure[]> = {}
for (const name of positionals) {
  results[name] = await benchmarks[name]!.run((line) => console.error(`${name}: ${line}`), choice)
  if (!values.json) print(name, results[name])
}
if (values.json) console.log(JSON.stringify(results))

function print(name: string, figures: Figure[]): void {
  const table = new Table({
    head: [name, 'ours', 'compared with', 'theirs', 'ratio', 'wanted'],
    style: { head: [], border: [] },
  })
  for (const { what, value, unit, against, wanted } of figures) {
    const number = (of: number) => `${of.toPrecision(3)} ${unit}`
    const compared = against ? [against.what, number(against.value), (value / against.value).toFixed(2)] : ['', '', '']
    table.push([what, number(value), ...compared, wanted ?? ''])
  }
  console.log(table.toString())
}
