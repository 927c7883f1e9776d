import { setTimeout as pause } from 'node:timers/promises'
import type { ServiceName } from '../../lab/common/hosts.js'
import type { Cluster } from '../../lab/common/interface.js'
import type { Random } from '../support/random.js'

/** One thing that goes wrong, and is right again when it resolves. */
export interface Fault {
  name: string
  happen(lab: Cluster, random: Random): Promise<void>
}

const storage = ['gluster1', 'gluster2', 'gluster3']
const compute = ['c1', 'c2']

export const faults: readonly Fault[] = [
  killed('agent', ...storage, ...compute),
  killed('scheduler', 'head'),
  killed('etcd', 'head'),
  killed('glusterd', ...storage),
  restarted('slurmctld', 'head'),
  {
    name: 'etcd stopped',
    happen: async (lab, random) => {
      await lab.stopService('head', 'etcd', 'KILL')
      await pause(random.below(20_000))
      await lab.startService('head', 'etcd')
    },
  },
  {
    name: 'brick process killed',
    happen: async (lab, random) => {
      const kill = 'pid=$(pgrep glusterfsd | shuf -n 1) && kill -9 $pid || true'
      await lab.exec(random.oneOf(storage), ['sh', '-c', kill])
    },
  },
  {
    name: 'storage host cut off',
    happen: async (lab, random) => {
      const host = random.oneOf(storage)
      await lab.cut(host)
      await pause(random.below(30_000))
      await lab.heal(host)
    },
  },
  {
    name: 'storage host rebooted',
    happen: (lab, random) => reboot(lab, random.oneOf(storage)),
  },
  {
    name: 'compute host rebooted',
    happen: (lab, random) => reboot(lab, random.oneOf(compute)),
  },
]

async function reboot(lab: Cluster, host: string): Promise<void> {
  await lab.kill(host)
  await lab.start(host)
}

function killed(service: ServiceName, ...hosts: string[]): Fault {
  return stopped(`${service} killed`, 'KILL', service, hosts)
}

function restarted(service: ServiceName, ...hosts: string[]): Fault {
  return stopped(`${service} restarted`, 'TERM', service, hosts)
}

function stopped(name: string, signal: 'TERM' | 'KILL', service: ServiceName, hosts: string[]): Fault {
  return {
    name,
    happen: async (lab, random) => {
      const host = random.oneOf(hosts)
      await lab.stopService(host, service, signal)
      await lab.startService(host, service)
    },
  }
}
