import { constants } from 'node:fs'
import type { Random } from '../../support/random.js'
import { expectSeen, Wrong } from '../wrong.js'
import { must, type Process, type Stage, withProcesses } from './history.js'

/*
 * Record locks, first one call after the other against a table of who has which byte; then as programs use them: processes on
 * both mounts count in one file under a lock, and write out before they let go.
 */

const { O_RDWR, O_CREAT } = constants
const bytes = 6
const steps = 60
const countsEach = 10

type Kind = 'r' | 'w'

export interface LockRules {
  /** The file that is counted in is kept open. */
  isKept: boolean
  /** Locks are of several bytes, and changed in part. */
  parts: boolean
}

export function playLocks(stage: Stage, rules: LockRules): Promise<void> {
  return withProcesses(stage, [2, 2], async (processes, random) => {
    await lockTable(processes, random, rules, stage)
    await counting(processes, rules, stage)
  })
}

async function lockTable(processes: Process[], random: Random, { parts }: LockRules, { say }: Stage): Promise<void> {
  const fds = new Map<Process, number>()
  const open = async (process: Process) =>
    void fds.set(process, (await must(process, 'open', ['locks', O_RDWR | O_CREAT])).value)
  for (const process of processes) await open(process)
  const held = Array.from({ length: bytes }, () => new Map<Process, Kind>())
  for (let step = 0; step < steps; step++) {
    const process = random.oneOf(processes)
    const fd = fds.get(process)!
    const first = random.below(bytes)
    const length = parts ? 1 + random.below(bytes - first) : 1
    const kind = random.oneOf(['r', 'w', 'u', 'close'] as const)
    const range = held.slice(first, first + length)
    say(`${process.name} ${kind} ${first} ${length}`)
    if (kind === 'close') {
      await must(process, 'close', [fd])
      for (const byte of held) byte.delete(process)
      await open(process)
      continue
    }
    const isFree = kind === 'u' || !range.some((byte) => isTaken(byte, process, kind))
    const what = `${process.name} lock ${kind} ${first} ${length}`
    await expectSeen(what, isFree ? 'success' : 'EAGAIN', async () => {
      const { error } = await process.worker.call('setlk', [fd, kind, first, length])
      return error ?? 'success'
    })
    if (!isFree) continue
    for (const byte of range) {
      if (kind === 'u') byte.delete(process)
      else byte.set(process, kind)
    }
  }
  for (const process of processes) await must(process, 'close', [fds.get(process)!])
}

function isTaken(byte: Map<Process, Kind>, by: Process, wanted: Kind): boolean {
  return [...byte].some(([process, kind]) => process !== by && (kind === 'w' || wanted === 'w'))
}

async function counting(processes: Process[], { isKept }: LockRules, { say }: Stage): Promise<void> {
  say(`all count, the file ${isKept ? 'kept open' : 'opened each time'}`)
  const [first] = processes
  const { value: made } = await must(first!, 'open', ['count', O_RDWR | O_CREAT])
  await must(first!, 'pwrite', [made, 0], number(0))
  await must(first!, 'close', [made])
  const counts = processes.map(async (process) => {
    const { value: lock } = await must(process, 'open', ['lock', O_RDWR | O_CREAT])
    const open = async () => (await must(process, 'open', ['count', O_RDWR])).value
    const kept = isKept ? await open() : undefined
    for (let count = 0; count < countsEach; count++) {
      await must(process, 'setlkw', [lock, 'w', 0, 1])
      const fd = kept ?? (await open())
      const { data } = await must(process, 'pread', [fd, 0, 8])
      await must(process, 'pwrite', [fd, 0], number(Number(data.toString()) + 1))
      await must(process, 'fsync', [fd])
      if (kept === undefined) await must(process, 'close', [fd])
      await must(process, 'setlk', [lock, 'u', 0, 1])
    }
  })
  const failed = (await Promise.allSettled(counts)).find((one) => one.status === 'rejected')
  if (failed) throw failed.reason
  const { value: fd } = await must(first!, 'open', ['count', O_RDWR])
  const { data } = await must(first!, 'pread', [fd, 0, 8])
  const total = processes.length * countsEach
  if (Number(data.toString()) !== total) {
    const how = isKept ? 'kept open' : 'opened each time'
    throw new Wrong(`${total} were counted under a lock, with the file ${how}, and it says ${data.toString()}`)
  }
}

const number = (value: number) => Buffer.from(String(value).padStart(8, '0'))
