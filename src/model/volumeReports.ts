import { hostKey, type Cluster } from './cluster.js'
import type { BufferDocument } from './documents/buffer.js'
import type { ObservedVolume } from './documents/volume.js'

/*
 * The reports of all hosts of a buffer of the data plane `direct`, combined into one. The bricks of a lost host count as offline,
 * whatever it reported last.
 */

/** The combined report; undefined before the first report. */
export function merged(cluster: Cluster, buffer: BufferDocument): ObservedVolume | undefined {
  const hosts = [...new Set(buffer.bricks.map(({ host }) => host))]
  const reports = hosts.map((host) => ({
    host,
    isAlive: cluster.hosts.has(host),
    report: reportOf(cluster, buffer, host),
  }))
  const known = reports.flatMap(({ host, report }) => (report ? [{ host, report }] : []))
  if (known.length === 0) return undefined
  const boots: Record<string, string> = Object.assign({}, ...known.map(({ report }) => report.boots ?? {}))
  const [problem] = known.flatMap(({ report }) => report.problem ?? [])
  return {
    v: 1,
    bufferId: buffer.id,
    state: stateOf(reports.map(({ isAlive, report }) => (isAlive || report?.state === 'absent' ? report : undefined))),
    offline: reports.flatMap(({ host, isAlive, report }) => offlineOf(buffer, host, isAlive ? report : undefined)),
    waitingFor: known.flatMap(({ report }) => report.waitingFor),
    boots,
    ...(problem === undefined ? {} : { problem }),
    directories: known.length < hosts.length ? [] : inAll(known.map(({ report }) => report.directories ?? [])),
  }
}

/** What is in each of the lists, which have thousands. */
function inAll([first, ...others]: readonly (readonly string[])[]): string[] {
  const sets = others.map((list) => new Set(list))
  return first!.filter((path) => sets.every((set) => set.has(path)))
}

function stateOf(reports: (ObservedVolume | undefined)[]): ObservedVolume['state'] {
  const states = reports.map((report) => report?.state)
  if (states.every((state) => state === 'absent')) return 'absent'
  if (states.every((state) => state === 'started')) return 'started'
  if (states.some((state) => state === 'leaving' || state === 'absent')) return 'leaving'
  return states.some((state) => state === 'started' || state === 'degraded') ? 'degraded' : 'forming'
}

/** Bricks that are offline, as `host:path`. For a host that is lost or has not reported, all its bricks, by their devices. */
function offlineOf(buffer: BufferDocument, host: string, report: ObservedVolume | undefined): string[] {
  if (report) return report.offline.map((path) => `${host}:${path}`)
  return buffer.bricks.flatMap((brick) => (brick.host === host ? [`${host}:${brick.device}`] : []))
}

/** The report of that host on this buffer's volume. */
export function reportOf(cluster: Cluster, buffer: BufferDocument, host: string): ObservedVolume | undefined {
  const observed = cluster.observed.volume.get(hostKey(host, buffer.volume))
  return observed?.bufferId === buffer.id ? observed : undefined
}
