import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { ScaleRig } from './rig.js'

/** What one action cost, each program by itself. CPU is what the kernel counts: user and system time of all threads. */
export interface Measured {
  what: string
  /** How many of something it did: calls, nodes. */
  count: number
  wallMs: number
  schedulerCpuMs: number
  /** The longest time in which the scheduler could do nothing else. */
  schedulerPauseMs: number
  etcdCpuMs: number
  transactions: number
  puts: number
  deletes: number
  leasesGranted: number
  nameServiceCalls: number
  agentsCpuMs: number
  /** Of this program, which calls: when its pauses are long, wall times are its own. */
  rigCpuMs: number
  rigPauseMs: number
  /** Calls that were refused. */
  failed: number
  /** What is not in the table. */
  note?: string
  wanted?: string
}

interface Outcome {
  failed?: number
  note?: string
}

export interface Action {
  what: string
  count?: number
  wanted?: string
  /** etcd ends or the scheduler is replaced meanwhile: what was counted before is lost. */
  isNew?: 'etcd' | 'scheduler'
}

const resolutionMs = 10

export async function measured(rig: ScaleRig, action: Action, act: () => Promise<Outcome | void>): Promise<Measured> {
  const { what, count = 1, wanted } = action
  if (action.isNew !== 'scheduler') await rig.scheduler.pauseMs()
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  const before = await taken(rig)
  delays.enable()
  const start = performance.now()
  const { failed = 0, note } = (await act()) ?? {}
  const wallMs = performance.now() - start
  delays.disable()
  const after = await taken(rig)
  const since = (key: keyof typeof after, isNew = false) => after[key] - (isNew ? 0 : before[key])
  const newEtcd = action.isNew === 'etcd'
  return {
    what,
    count,
    wallMs,
    schedulerCpuMs: since('scheduler', action.isNew === 'scheduler'),
    schedulerPauseMs: await rig.scheduler.pauseMs(),
    etcdCpuMs: since('etcd', newEtcd),
    transactions: since('transactions', newEtcd),
    puts: since('puts', newEtcd),
    deletes: since('deletes', newEtcd),
    leasesGranted: since('leasesGranted', newEtcd),
    nameServiceCalls: since('nameService'),
    agentsCpuMs: since('agents'),
    rigCpuMs: since('rig'),
    rigPauseMs: Math.max(0, delays.max / 1e6 - resolutionMs),
    failed,
    ...(note === undefined ? {} : { note }),
    ...(wanted === undefined ? {} : { wanted }),
  }
}

async function taken(rig: ScaleRig) {
  const { user, system } = process.cpuUsage()
  return {
    scheduler: rig.scheduler.cpuMs,
    etcd: rig.etcd.process.cpuMs,
    agents: rig.storage.cpuMs + (rig.compute?.cpuMs ?? 0),
    rig: (user + system) / 1000,
    nameService: rig.nameServiceCalls,
    ...(await rig.etcd.counts()),
  }
}

/** All at once. Counts those that were refused, and gives a reason. */
export async function allOf(calls: (() => Promise<unknown>)[]): Promise<Outcome> {
  const outcomes = await Promise.allSettled(calls.map((call) => call()))
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected')
  return failures.length === 0
    ? {}
    : { failed: failures.length, note: `one of the failures: ${String(failures[0]!.reason).slice(0, 200)}` }
}
