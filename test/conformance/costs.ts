import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Plane } from './planes/plane.js'
import type { Answer, Worker } from './worker.js'

/** What is measured, in the order in which it is done; every figure is a rate, so that more is better. */
const measures = [
  'write',
  'read on the other',
  'read again',
  'create',
  'stat on the other',
  'ls -l',
  'small reads',
  'rm',
] as const
type Measure = (typeof measures)[number]
export type Costs = Record<Measure, number[]>

const { O_RDWR, O_RDONLY, O_CREAT } = constants
const files = 100
const megabyte = Buffer.alloc(1024 * 1024, 7)
const megabytes = 32

/** The graphs in turn, so often; what else the machine does meets all of them. */
export async function measureCosts(
  planes: ReadonlyMap<string, Plane>,
  rounds: number,
  startWorker: (root: string) => Worker,
  tell: (line: string) => void,
): Promise<Map<string, Costs>> {
  const costs = new Map(
    [...planes.keys()].map((graph) => [
      graph,
      Object.fromEntries(measures.map((name) => [name, []])) as unknown as Costs,
    ]),
  )
  for (let round = 0; round < rounds; round++) {
    for (const [graph, { mounts }] of planes) {
      const workers = mounts.map(startWorker)
      await measure(workers[0]!, workers[1]!, mounts, `round${round}`, costs.get(graph)!)
      for (const worker of workers) worker.end()
    }
    tell(`${round + 1} of ${rounds} rounds`)
  }
  return costs
}

/** `GRAPH: MEASURE MEDIAN, …`, as ratios to the first graph's. */
export function tellCosts(costs: ReadonlyMap<string, Costs>): string[] {
  const [first] = costs.values()
  return [...costs].map(([graph, all]) => {
    const ratios = measures.map((name) => {
      const rate = median(all[name])
      return `${name} ${rate.toFixed(0)} (${(rate / median(first![name])).toFixed(2)})`
    })
    return `${graph}: ${ratios.join(', ')}`
  })
}

async function measure(one: Worker, other: Worker, mounts: Plane['mounts'], name: string, costs: Costs): Promise<void> {
  const rate = async (measured: Measure, amount: number, work: () => Promise<void>) => {
    const begin = performance.now()
    await work()
    costs[measured].push(amount / ((performance.now() - begin) / 1000))
  }
  const numbers = Array.from({ length: files }, (_, index) => index)
  await must(one.call('mkdir', [name]))
  await rate('write', megabytes, async () => {
    const fd = await must(one.call('open', [`${name}/large`, O_RDWR | O_CREAT]))
    for (let at = 0; at < megabytes; at++) await must(one.call('pwrite', [fd, at * megabyte.length], megabyte))
    await must(one.call('fsync', [fd]))
    await must(one.call('close', [fd]))
  })
  for (const measured of ['read on the other', 'read again'] as const) {
    await rate(measured, megabytes, async () => {
      const fd = await must(other.call('open', [`${name}/large`, O_RDONLY]))
      for (let at = 0; at < megabytes; at++) {
        await must(other.call('pread', [fd, at * megabyte.length, megabyte.length]))
      }
      await must(other.call('close', [fd]))
    })
  }
  await rate('create', files, async () => {
    for (const number of numbers) {
      const fd = await must(one.call('open', [`${name}/f${number}`, O_RDWR | O_CREAT]))
      await must(one.call('pwrite', [fd, 0], megabyte.subarray(0, 4096)))
      await must(one.call('close', [fd]))
    }
  })
  await rate('stat on the other', files, async () => {
    for (const number of numbers) await must(other.call('stat', [`${name}/f${number}`]))
  })
  await rate('ls -l', files, async () => {
    await promisify(execFile)('ls', ['-l', join(mounts[0], name)], { maxBuffer: 1 << 24 })
  })
  await rate('small reads', files, async () => {
    for (const number of numbers) {
      const fd = await must(other.call('open', [`${name}/f${number}`, O_RDONLY]))
      await must(other.call('pread', [fd, 0, 4096]))
      await must(other.call('close', [fd]))
    }
  })
  await rate('rm', files, async () => {
    for (const number of numbers) await must(one.call('unlink', [`${name}/f${number}`]))
  })
  await must(one.call('unlink', [`${name}/large`]))
}

async function must(call: Promise<Answer>): Promise<number> {
  const answer = await call
  if (answer.error !== undefined) throw new Error(`measuring: ${answer.error}`)
  return answer.value
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
