import type { Cluster } from '../../lab/common/interface.js'
import { until } from '../../lab/common/until.js'
import { must } from './invariants.js'

const config = '/etc/burstbuffer/scheduler.yaml'

/** Serves new buffers of the lab's pool with that data plane, as an operator changes it. */
export async function serveWith(
  lab: Cluster,
  dataPlane: 'direct' | 'glusterd',
  { tls = false }: { tls?: boolean } = {},
): Promise<void> {
  const lines = `dataPlane: ${dataPlane}${tls ? '\\n    tls: true' : ''}`
  const words = `-e '/^ *tls: /d' -e 's/dataPlane: .*/${lines}/'`
  await must(lab, 'head', `sed -i ${words} ${config} && grep -q ${dataPlane} ${config}`)
  await lab.stopService('head', 'scheduler')
  await lab.startService('head', 'scheduler')
}

/**
 * Resolves when the glusterds of these hosts have found one another again: a volume that is created before takes another name,
 * because GlusterFS has marked the brick directories.
 */
export async function untilPeersConnected(lab: Cluster, servers: readonly string[]): Promise<void> {
  for (const server of servers) {
    const list = async () => (await lab.exec(server, ['gluster', 'pool', 'list'])).stdout
    await until({ what: `${server} is connected to its peers`, deadlineMs: 120_000, seen: list }, async () => {
      return (await list()).split('\n').filter((line) => /\sConnected\s*$/.test(line)).length === servers.length
    })
  }
}

/** A brick process of the data plane `direct`, and where it listens. */
export interface SeenProcess {
  host: string
  port: number
  pid: number
}

export async function brickProcessesOf(lab: Cluster, host: string): Promise<SeenProcess[]> {
  const listening = await must(lab, host, 'ss --listening --tcp --numeric --processes --no-header')
  return listening.split('\n').flatMap((line) => {
    const [, port, pid] = /:(29[0-9]{3}) .*"glusterfsd",pid=([0-9]+)/.exec(line) ?? []
    return port === undefined ? [] : [{ host, port: Number(port), pid: Number(pid) }]
  })
}

/** What is left on a host of what serves bricks and of mounts of the data plane `direct`; empty when all is gone. */
export function leftOfDirect(lab: Cluster, host: string): Promise<string> {
  const looks = [
    'ss --listening --tcp --numeric --no-header | grep :29',
    'nft list table inet burstbuffer_bricks',
    'find /run/burstbuffer-agent/direct -type f',
    `findmnt --noheadings --types fuse.glusterfs --output SOURCE | grep ^glusterfs:`,
  ]
  return must(lab, host, looks.map((look) => `(${look} 2>/dev/null || true)`).join('; '))
}
