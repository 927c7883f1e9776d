import type { BufferView, DeviceView, StatusView } from '../../model/api.js'
import { printRounded } from '../../model/capacity.js'
import * as messages from '../messages.js'
import { print, printable, printJson, printTable, size, time } from '../output.js'
import { clientOf, type Command } from './command.js'

export const status: Command = {
  command: 'status',
  describe: 'Show the cluster on one screen: hosts, pools, buffers and problems',
  handler: async (argv) => {
    const view = await clientOf(argv).call('showStatus')
    if (argv.json) return printJson(view)
    await printStatus(view)
  },
}

export async function printStatus({ scheduler, etcd, hosts, pools, buffers, problems }: StatusView): Promise<void> {
  print(`scheduler  ${scheduler.host}, ${messages.schedulerRole(scheduler)}, etcd ${scheduler.etcd}`)
  print(
    `hosts      ${hosts.alive} alive, ${hosts.lost.length} lost${hosts.lost.length > 0 ? ` (${hosts.lost.join(', ')})` : ''}`,
  )
  const counts = Object.entries(buffers).map(([phase, count]) => `${count} ${phase}`)
  print(`buffers    ${counts.join(', ') || 'none'}`)
  if (etcd) {
    const [size, quota, inUse] = [etcd.sizeBytes, etcd.quotaBytes, etcd.inUseBytes].map(printRounded)
    print(`etcd       ${size} of ${quota}, ${inUse} in use`)
  }
  print('')
  await printTable(
    ['pool', 'granularity', 'total', 'used', 'free', 'cordoned', 'lost'],
    pools.map((pool) => [
      pool.default ? `${pool.pool} (default)` : pool.pool,
      ...[
        pool.granularityBytes,
        pool.totalBytes,
        pool.usedBytes,
        pool.freeBytes,
        pool.cordonedBytes,
        pool.lostBytes,
      ].map(size),
    ]),
  )
  if (problems.length > 0) print(`\nproblems:\n${problems.map((problem) => `  ${printable(problem)}`).join('\n')}`)
}

export const hosts: Command = {
  command: 'hosts',
  describe: 'List the hosts: roles, devices, bricks and cordons',
  handler: async (argv) => {
    const views = await clientOf(argv).call('listHosts')
    if (argv.json) return printJson(views)
    await printTable(
      ['host', 'state', 'roles', 'devices', 'bricks', 'gluster', 'cordon', 'problems'],
      views.map((view) => [
        view.host,
        view.state,
        view.roles.join(','),
        String(view.devices),
        String(view.bricks),
        view.versions['glusterfs'] ?? '-',
        view.cordon ?? '-',
        view.problems.join('; ') || '-',
      ]),
    )
  },
}

export const devices: Command = {
  command: 'devices',
  describe: 'List the devices: pool, whether each is free, its buffer, and why it is not free',
  handler: async (argv) => {
    const views = await clientOf(argv).call('listDevices')
    if (argv.json) return printJson(views)
    await printTable(
      ['host', 'device', 'pool', 'size', 'state', 'buffer', 'wipes', 'identity', 'reason'],
      views.map((view) => [
        view.host,
        view.device,
        view.pool,
        size(view.sizeBytes),
        view.availability,
        view.buffer ?? '-',
        wipesOf(view),
        view.identity || '-',
        view.reason ?? '-',
      ]),
    )
  },
}

/** `discard,zero,sanitize`; a question mark if it is not known. */
function wipesOf({ wipes }: DeviceView): string {
  if (!wipes) return '?'
  const sanitize = { yes: ['sanitize'], no: [], unknown: ['sanitize?'] }[wipes.sanitize]
  return [...(wipes.discard ? ['discard'] : []), 'zero', ...sanitize].join(',')
}

export const buffers: Command = {
  command: 'buffers',
  describe: 'List the buffers: owner, size and phase',
  handler: async (argv) => {
    const views = await clientOf(argv).call('listBuffers')
    if (argv.json) return printJson(views)
    await printBuffers(views)
  },
}

export async function printBuffers(views: BufferView[]): Promise<void> {
  await printTable(
    ['name', 'kind', 'user', 'pool', 'size', 'bricks', 'phase', 'created', 'waiting for'],
    views.map((view) => [
      view.name,
      view.kind,
      String(view.uid),
      view.pool,
      size(view.sizeBytes),
      String(view.bricks),
      view.phase,
      time(view.createdAt),
      view.reason ?? (view.waitingFor.join('; ') || '-'),
    ]),
  )
}
