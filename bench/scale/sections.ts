import { setTimeout as pause } from 'node:timers/promises'
import { until } from '../../lab/common/until.js'
import { allOf, type Measured, measured } from './measured.js'
import { copyMs, owner, pool, type ScaleRig, stagePath } from './rig.js'

/** A part of the measurement. It leaves the cluster as it was, except for compute nodes that it started. */
export type Section = (rig: ScaleRig, say: (line: string) => void) => Promise<Measured[]>

const restMs = 60_000
const bricksOfJob = 10
let names = 0

export const sections: Record<string, Section> = {
  idle: async (rig) => [
    await measured(rig, { what: `${restMs / 1000} s at rest`, wanted: 'scheduler under 1 s of CPU' }, () =>
      pause(restMs),
    ),
  ],
  alone: async (rig) => {
    const made = Array.from({ length: 20 }, newName)
    const wanted = 'at most 5 transactions each'
    return [
      await measured(rig, { what: 'create, one after the other', count: made.length, wanted }, async () => {
        for (const name of made) await rig.create(name)
      }),
      await measured(rig, { what: 'destroy, one after the other', count: made.length, wanted }, async () => {
        for (const name of made) await rig.remove(name)
      }),
    ]
  },
  burst: (rig) => createAndDestroy(rig, 200),
  thousand: (rig) => createAndDestroy(rig, 1_000),
  nodes: async (rig) => [
    await measured(
      rig,
      { what: `${rig.options.nodes} compute nodes appear`, count: rig.options.nodes, wanted: 'scheduler under 2 s' },
      () => rig.startComputeNodes(),
    ),
  ],
  prerun: async (rig, say) => {
    await rig.startComputeNodes()
    const results: Measured[] = []
    for (const nodes of new Set([100, 1_000, 2_000].map((many) => Math.min(many, rig.options.nodes)))) {
      say(`a job on ${nodes} nodes`)
      results.push(...(await runJob(rig, nodes)))
    }
    return results
  },
  staging: async (rig, say) => [await staging(rig, say)],
  lost: lostAndBack,
  restart: async (rig) => [
    await measured(rig, { what: 'etcd killed for 5 s', isNew: 'etcd', wanted: 'settled within 30 s' }, async () => {
      await rig.etcd.process.end('SIGKILL')
      await pause(5_000)
      await rig.etcd.restart()
      const start = performance.now()
      const who = newName()
      await until({ what: 'a buffer can be made', deadlineMs: 300_000 }, async () => {
        await rig.create(who)
        return true
      })
      const madeMs = performance.now() - start
      await rig.remove(who)
      await rig.untilQuiet()
      return { note: `a buffer could be made ${Math.round(madeMs)} ms after etcd served again` }
    }),
  ],
  views: async (rig, say) => {
    const results: Measured[] = []
    const shown: [string, () => Promise<string>][] = [
      ...['pools', 'show_instances', 'show_sessions', 'show_configurations'].map(
        (name): [string, () => Promise<string>] => [name, () => rig.shim('dw_wlm_cli', '--function', name)],
      ),
      ...['most', 'all'].map((word): [string, () => Promise<string>] => [
        `dwstat ${word}`,
        () => rig.shim('dwstat', word),
      ]),
      ...['status', 'hosts', 'devices', 'buffers', 'sessions', 'check'].map((name): [string, () => Promise<string>] => [
        name,
        () => rig.text('GET', `/v1/${name}`),
      ]),
    ]
    for (const [what, show] of shown) {
      say(what)
      const first = await show()
      const wanted = 'no pause over 100 ms'
      const calls = 5
      const row = await measured(rig, { what, count: calls, wanted }, async () => {
        for (let call = 0; call < calls; call++) await show()
        return { note: `${Math.round(first.length / 1000)} kB` }
      })
      results.push(row)
    }
    return results
  },
  memory: async (rig) => [
    await measured(rig, { what: 'memory of the scheduler', wanted: '250 MB, and 300 MB after bursts' }, async () => {
      const { residentMb, maxResidentMb } = rig.scheduler.memory
      const { heapBytes } = await rig.scheduler.ask<{ heapBytes: number }>({ ask: 'usage', collect: true })
      const heap = `heap ${Math.round(heapBytes / 1e6)} MB after a collection`
      return { note: `${Math.round(residentMb)} MB resident, at most ${Math.round(maxResidentMb)} MB, ${heap}` }
    }),
  ],
  start: async (rig) => {
    await rig.scheduler.end('SIGKILL')
    return [
      await measured(rig, { what: 'start until it answers', isNew: 'scheduler', wanted: '3 s' }, async () => {
        await rig.startScheduler('head')
      }),
    ]
  },
  standby: async (rig, say) => [await takeOver(rig, say, 'SIGTERM'), await takeOver(rig, say, 'SIGKILL')],
}

function newName(): string {
  return `b${++names}`
}

async function createAndDestroy(rig: ScaleRig, count: number): Promise<Measured[]> {
  const made = Array.from({ length: count }, newName)
  const wanted = 'at most 8 ms of the scheduler each, none refused'
  const created = await measured(rig, { what: `create ${count} at once`, count, wanted }, () =>
    allOf(made.map((name) => () => rig.create(name))),
  )
  const destroyed = await measured(rig, { what: `destroy ${count} at once`, count }, () =>
    allOf(made.map((name) => () => rig.remove(name))),
  )
  await rig.untilQuiet()
  return [created, destroyed]
}

/** Storage hosts lose their power, and return. */
export async function lostAndBack(rig: ScaleRig): Promise<Measured[]> {
  const lost = rig.apart
  const all = await rig.etcd.countBelow('hosts/')
  const what = `${lost.length} storage hosts`
  await rig.untilQuiet()
  return [
    await measured(rig, { what: `${what} are lost`, count: lost.length }, async () => {
      await rig.storage.ask({ ask: 'lose', hosts: lost })
      await rig.untilAlive(all - lost.length)
      await rig.untilQuiet()
    }),
    await measured(rig, { what: `${what} are back`, count: lost.length, wanted: 'settled within 30 s' }, async () => {
      await rig.storage.ask({ ask: 'return', hosts: lost })
      await rig.untilAlive(all)
      await until({ what: 'no buffer is degraded', deadlineMs: 300_000 }, async () => {
        await pause(1_000)
        return ((await rig.status()).buffers.degraded ?? 0) === 0
      })
      await rig.untilQuiet()
    }),
  ]
}

/** The calls that slurmctld makes for a job with ten bricks on so many nodes. */
export async function runJob(rig: ScaleRig, nodes: number): Promise<Measured[]> {
  const token = String(500_000 + ++names)
  const script = rig.file(`${token}.sh`, jobScript(bricksOfJob))
  const hosts = rig.file(`${token}.nodes`, rig.computeNodes.slice(0, nodes).join('\n'))
  const call = (name: string, ...more: string[]) =>
    rig.shim('dw_wlm_cli', '--function', name, '--token', token, '--job', script, ...more)
  const of = { count: nodes, wanted: 'at most 1 ms of the scheduler a node' }
  const on = `${nodes} nodes`
  const rows = [
    await measured(
      rig,
      { what: `setup for ${on}` },
      async () => void (await call('setup', ...setupWords(bricksOfJob))),
    ),
  ]
  await call('data_in')
  for (const name of ['pre_run', 'post_run']) {
    const more = name === 'pre_run' ? ['--nodehostnamefile', hosts] : []
    rows.push(await measured(rig, { what: `${name} on ${on}`, ...of }, async () => void (await call(name, ...more))))
  }
  await call('data_out')
  rows.push(await measured(rig, { what: `teardown after ${on}` }, async () => void (await call('teardown'))))
  await rig.untilQuiet()
  return rows
}

function jobScript(bricks: number, ...more: string[]): string {
  return ['#!/bin/sh', `#DW jobdw type=scratch access_mode=striped capacity=${bricks}TB`, ...more, ''].join('\n')
}

function setupWords(bricks: number): string[] {
  const who = ['--user', String(owner.uid), '--groupid', String(owner.gid)]
  return ['--caller', 'SLURM', ...who, '--capacity', `${pool}:${bricks}TB`]
}

/** Jobs that stage in at the same time, each from as many hosts as it has bricks; measured while all copy. */
async function staging(rig: ScaleRig, say: (line: string) => void): Promise<Measured> {
  const bricks = Math.min(30, Math.max(1, Math.floor(rig.options.hosts / 10)))
  const free = (await rig.status()).pools[0]!.freeBytes / 1e12
  const jobs = Math.min(200, Math.floor(free / bricks))
  const from = `#DW stage_in type=directory source=${stagePath}/data destination=$DW_JOB_STRIPED/data`
  const script = rig.file('staging.sh', jobScript(bricks, from))
  const tokens = Array.from({ length: jobs }, () => String(700_000 + ++names))
  const call = (token: string, name: string, ...more: string[]) =>
    rig.shim('dw_wlm_cli', '--function', name, '--token', token, '--job', script, ...more)
  for (let at = 0; at < jobs; at += 20) {
    await Promise.all(tokens.slice(at, at + 20).map((token) => call(token, 'setup', ...setupWords(bricks))))
    say(`${Math.min(jobs, at + 20)} of ${jobs} jobs of ${bricks} bricks set up`)
  }
  const copied = allOf(tokens.map((token) => () => call(token, 'data_in')))
  await pause(copyMs / 4)
  const row = await measured(
    rig,
    { what: `${jobs} transfers over ${bricks} hosts, for 15 s`, count: jobs, wanted: 'under 1.5 s of the scheduler' },
    () => pause(15_000),
  )
  const { failed = 0, note } = await copied
  await Promise.all(tokens.map((token) => call(token, 'teardown', '--hurry')))
  await rig.untilQuiet()
  return { ...row, failed, ...(note === undefined ? {} : { note }) }
}

/** The first scheduler ends, and the second, which has followed, leads; afterwards they change their roles back. */
async function takeOver(rig: ScaleRig, say: (line: string) => void, signal: 'SIGTERM' | 'SIGKILL'): Promise<Measured> {
  const leads = (host: string) => () => rig.status(host).then(({ scheduler }) => scheduler.leads)
  const standby = await rig.startScheduler('standby')
  await standby.pauseMs()
  const before = standby.cpuMs
  const started = performance.now()
  await rig.scheduler.end(signal)
  await until({ what: 'the standby leads', deadlineMs: 120_000 }, leads('standby'))
  const wallMs = performance.now() - started
  const pauseMs = await standby.pauseMs()
  const cpuMs = standby.cpuMs - before
  const { residentMb, maxResidentMb } = standby.memory
  say(`the standby leads after ${Math.round(wallMs)} ms`)
  await rig.startScheduler('head')
  await standby.end('SIGTERM')
  rig.schedulers.delete('standby')
  await until({ what: 'the first scheduler leads', deadlineMs: 120_000 }, leads('head'))
  const how = signal === 'SIGKILL' ? 'the leader is killed' : 'the leader ends in order'
  const row = await measured(rig, { what: `standby takes over, ${how}`, wanted: '8 s' }, () => Promise.resolve())
  const note = `standby: ${Math.round(residentMb)} MB resident, at most ${Math.round(maxResidentMb)} MB`
  return { ...row, wallMs, schedulerCpuMs: cpuMs, schedulerPauseMs: pauseMs, note }
}
