import { deviceCount, pool, type Site } from './hosts.js'
import type { Exec } from './programs.js'
import { until } from './until.js'

/* What `up` waits for, asked on the head node. */

/** Slurm reads the pool when it starts, and then only every half minute. */
export async function untilPoolIsFree(site: Pick<Site, 'hosts'>, head: Exec, deadlineMs = 60_000): Promise<void> {
  const devices = deviceCount(site)
  const ask = () => head(['/opt/burstbuffer/dist/bin/dw_wlm_cli', '--function', 'pools'])
  const seen = async () => (await ask()).stdout.trim()
  await until({ what: `pool ${pool.name} with ${devices} free devices`, deadlineMs, seen }, async () => {
    const { code, stdout } = await ask()
    if (code !== 0) throw new Error(stdout.trim())
    const { pools } = JSON.parse(stdout) as { pools: { id: string; free: number }[] }
    return pools.some(({ id, free }) => id === pool.name && free === devices)
  })
}

export async function untilNodesAreIdle(site: Pick<Site, 'hosts'>, head: Exec): Promise<void> {
  const ask = async () => (await head(['sinfo', '--noheader', '--Node', '--format=%N %T'])).stdout.trim()
  const nodes = site.hosts.filter((host) => host.role === 'compute').map((host) => `${host.name} idle`)
  await until({ what: nodes.join(', '), seen: ask }, async () => (await ask()) === nodes.join('\n'))
}
