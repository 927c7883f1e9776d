import { constants } from 'node:fs'
import { until } from '../../../lab/common/until.js'
import { asExpected, compareBytes } from '../model.js'
import { expectSeen, Wrong } from '../wrong.js'
import { must, type Process, type Stage, withProcesses } from './history.js'

/*
 * Two processes, on one mount or on two, fill the file system until they are told ENOSPC. What fsync has acknowledged must be
 * there, for both; when the files are gone, there must be room again.
 */

const { O_RDWR, O_RDONLY, O_CREAT } = constants
const blockBytes = 256 * 1024

/** `counts`: of the processes on each mount, two in all. */
export function fillUp(stage: Stage, counts: readonly number[]): Promise<void> {
  return withProcesses(stage, counts, async (processes, random) => {
    const { value: freeAtFirst } = await must(processes[0]!, 'freebytes', ['.'])
    const syncEvery = 1 + random.below(16)
    const filled = await Promise.all(
      processes.map(async (process) => ({ path: `fill${process.name}`, blocks: await fill(process, syncEvery) })),
    )
    for (const { path, blocks } of filled) stage.say(`${path}: ${blocks} blocks acknowledged`)
    for (const process of processes) {
      for (const { path, blocks } of filled) await expectBlocks(process, path, blocks)
    }
    for (const { path } of filled) await must(random.oneOf(processes), 'unlink', [path])
    for (const [index, process] of processes.entries()) {
      const path = `after${process.name}`
      await untilRoom(process, freeAtFirst)
      await writeAfter(process, path)
      await expectBlocks(processes[1 - index]!, path, 4)
    }
  })
}

/** How many blocks are known to be written. */
async function fill(process: Process, syncEvery: number): Promise<number> {
  const path = `fill${process.name}`
  const { value: fd } = await must(process, 'open', [path, O_RDWR | O_CREAT])
  let acknowledged = 0
  for (let block = 0; ; block++) {
    const written = await process.worker.call('pwrite', [fd, block * blockBytes], blockOf(block))
    if (isFull(process, written.error)) break
    if (written.error === undefined && written.value < blockBytes) break
    if ((block + 1) % syncEvery !== 0) continue
    const { error } = await process.worker.call('fsync', [fd])
    if (isFull(process, error)) break
    acknowledged = block + 1
  }
  isFull(process, (await process.worker.call('close', [fd])).error)
  return acknowledged
}

/** Dispersed bricks, of which some are full and some are not yet, answer EIO at times (measured, 10.3). */
function isFull(process: Process, error: string | undefined): boolean {
  if (error !== undefined && error !== 'ENOSPC' && error !== 'EIO') {
    throw new Wrong(`${process.name} fills up: expected ENOSPC, got ${error}`)
  }
  return error !== undefined
}

async function writeAfter(process: Process, path: string): Promise<void> {
  const { value: fd } = await must(process, 'open', [path, O_RDWR | O_CREAT])
  for (let block = 0; block < 4; block++) await must(process, 'pwrite', [fd, block * blockBytes], blockOf(block))
  await must(process, 'fsync', [fd])
  await must(process, 'close', [fd])
}

/**
 * A brick looks every five seconds whether it is full (measured, 10.3). So many names lie on all bricks. A name that was made
 * on some dispersed bricks and not on full ones may answer ESTALE from then on: each attempt has new ones.
 */
async function untilRoom(process: Process, freeAtFirst: number): Promise<void> {
  let attempt = 0
  await until({ what: `${process.name} has room again`, deadlineMs: 20_000 }, async () => {
    if ((await must(process, 'freebytes', ['.'])).value < 0.95 * freeAtFirst) return false
    attempt++
    for (let index = 0; index < 24; index++) {
      const name = `room${process.name}${attempt}-${index}`
      const opened = await process.worker.call('open', [name, O_RDWR | O_CREAT])
      if (opened.error !== undefined) return false
      await must(process, 'close', [opened.value])
    }
    return true
  })
}

async function expectBlocks(process: Process, path: string, blocks: number): Promise<void> {
  await expectSeen(`${process.name} the ${blocks} acknowledged blocks of ${path}`, asExpected, async () => {
    const opened = await process.worker.call('open', [path, O_RDONLY])
    if (opened.error !== undefined) return `open ${opened.error}`
    let result = asExpected
    for (let block = 0; block < blocks && result === asExpected; block++) {
      const read = await process.worker.call('pread', [opened.value, block * blockBytes, blockBytes])
      const seen = read.error ?? compareBytes(blockOf(block), read.data)
      if (seen !== asExpected) result = `block ${block}: ${seen}`
    }
    await process.worker.call('close', [opened.value])
    return result
  })
}

const blockOf = (block: number) => Buffer.alloc(blockBytes, 1 + (block % 250))
