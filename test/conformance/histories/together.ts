import { constants } from 'node:fs'
import type { Random } from '../../support/random.js'
import { asExpected, compareBytes } from '../model.js'
import { expectSeen, Wrong } from '../wrong.js'
import { must, type Process, type Stage, withProcesses } from './history.js'

/*
 * Two processes on each of two mounts write one file together, every fourth block each, while others read it and look at its
 * size. When the writers have closed it, both mounts must see all of it at once. Some rounds write with O_DIRECT.
 */

const { O_RDWR, O_RDONLY, O_CREAT, O_DIRECT } = constants
const blockBytes = 256 * 1024
const rounds = 4

/** `reusesName`: the file is removed after each round, and the next one has its name. */
export function together(stage: Stage, { reusesName }: { reusesName: boolean }): Promise<void> {
  return withProcesses(stage, [3, 3], async (processes, random) => {
    for (let round = 0; round < rounds; round++) {
      const path = reusesName ? 'file' : `file${round}`
      await oneFile(processes, random, path, stage)
      // Who has just looked at it, or the other.
      if (reusesName) await must(random.oneOf(processes), 'unlink', [path])
    }
  })
}

async function oneFile(processes: Process[], random: Random, path: string, { say }: Stage): Promise<void> {
  const blocks = 16 + random.below(32)
  const isDirect = random.below(2) === 0
  const expected = Buffer.concat(
    Array.from({ length: blocks }, (_, index) => Buffer.alloc(blockBytes, 1 + (index % 250))),
  )
  const writers = processes.filter(({ name }) => !name.endsWith('c'))
  const watchers = processes.filter(({ name }) => name.endsWith('c'))
  say(`${writers.length} processes write ${blocks} blocks of ${path}${isDirect ? ' with O_DIRECT' : ''}`)
  // All at once, O_CREAT can give EEXIST: that is another kind of history.
  const maker = random.oneOf(writers)
  await must(maker, 'close', [(await must(maker, 'open', [path, O_RDWR | O_CREAT])).value])
  let isWriting = true
  const watching = allEnded(watchers.map((watcher) => watch(watcher, path, expected, () => isWriting)))
  // One that has failed is heard below.
  watching.catch(() => {})
  try {
    const writing = writers.map((writer, index) => writeEvery(writer, path, expected, index, writers.length, isDirect))
    await allEnded(writing)
  } finally {
    isWriting = false
    await watching
  }
  const order = random.below(2) === 0 ? processes : [...processes].reverse()
  for (const process of order) await expectFile(process, path, expected)
}

async function writeEvery(
  writer: Process,
  path: string,
  expected: Buffer,
  first: number,
  stride: number,
  isDirect: boolean,
): Promise<void> {
  const { value: fd } = await must(writer, 'open', [path, O_RDWR | (isDirect ? O_DIRECT : 0)])
  for (let offset = first * blockBytes; offset < expected.length; offset += stride * blockBytes) {
    const { value } = await must(writer, 'pwrite', [fd, offset], expected.subarray(offset, offset + blockBytes))
    if (value !== blockBytes) throw new Wrong(`${writer.name} pwrite ${path}: wrote ${value} of ${blockBytes}`)
  }
  await must(writer, 'close', [fd])
}

/** Looks at the size and reads, as `ls -l` and a reader that follows do: each byte is written or not yet, and never another. */
async function watch(watcher: Process, path: string, expected: Buffer, isWriting: () => boolean): Promise<void> {
  while (isWriting()) {
    const seen = await watcher.worker.call('stat', [path])
    if (seen.error === 'ENOENT') continue
    if (seen.error !== undefined) throw new Wrong(`${watcher.name} stat ${path} while it is written: ${seen.error}`)
    const size = Number(seen.data.toString().split(' ')[0])
    if (size > expected.length) throw new Wrong(`${watcher.name} stat ${path}: ${size} of ${expected.length} bytes`)
    const { value: fd } = await must(watcher, 'open', [path, O_RDONLY])
    const offset = Math.max(0, size - blockBytes)
    const { data } = await must(watcher, 'pread', [fd, offset, blockBytes])
    const other = data.findIndex((byte, index) => byte !== 0 && byte !== expected[offset + index])
    if (other >= 0) throw new Wrong(`${watcher.name} read ${path} while it is written: byte ${offset + other} is wrong`)
    await must(watcher, 'close', [fd])
  }
}

async function expectFile(process: Process, path: string, expected: Buffer): Promise<void> {
  await expectSeen(`${process.name} size of ${path} after all have closed it`, `${expected.length}`, async () => {
    const seen = await process.worker.call('stat', [path])
    return seen.error ?? seen.data.toString().split(' ')[0]!
  })
  await expectSeen(`${process.name} the whole of ${path} after all have closed it`, asExpected, async () => {
    const opened = await process.worker.call('open', [path, O_RDONLY])
    if (opened.error !== undefined) return `open ${opened.error}`
    const parts: Buffer[] = []
    for (let offset = 0; ; offset += 4 * blockBytes) {
      const read = await process.worker.call('pread', [opened.value, offset, 4 * blockBytes])
      if (read.error !== undefined) return `pread ${read.error}`
      if (read.data.length === 0) break
      parts.push(read.data)
    }
    await process.worker.call('close', [opened.value])
    return compareBytes(expected, Buffer.concat(parts))
  })
}

/** All end, also when one fails: no process is used after the history. */
async function allEnded(running: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(running)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
}
