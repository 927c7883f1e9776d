/** What a lab is made of. The hosts' names are also their roles' names: a test reads better with `gluster1` than with a look-up. */

export type ServiceName = 'etcd' | 'munged' | 'glusterd' | 'scheduler' | 'standby' | 'slurmctld' | 'slurmd' | 'agent'

export interface HostSpec {
  name: string
  address: string
  role: 'head' | 'storage' | 'compute'
  /** In the order in which they are started. */
  services: readonly ServiceName[]
  /** Names of the whole devices that the host has, as in its `/dev`. */
  devices: readonly string[]
}

/** One terabyte, decimal, as disks are sold and as Slurm's `TB`. */
export const deviceBytes = 10 ** 12

export const pool = { name: 'dedicated_nvme', granularity: '1TB' } as const

export interface User {
  name: string
  uid: number
}

/** They exist in the lab's hosts only. Root may not use buffers: Slurm refuses it. */
export const users: readonly User[] = [
  { name: 'alice', uid: 20001 },
  { name: 'bob', uid: 20002 },
]

/** Both users are in it. */
export const sharedGroup = { name: 'project', gid: 20100 } as const

export const hosts: readonly HostSpec[] = [
  head('head', '10.91.0.10'),
  storage('gluster1', '10.91.0.21', 7),
  storage('gluster2', '10.91.0.22', 7),
  storage('gluster3', '10.91.0.23', 6),
  compute('c1', '10.91.0.31'),
  compute('c2', '10.91.0.32'),
]

export function hostNamed(name: string): HostSpec {
  const host = hosts.find((host) => host.name === name)
  if (!host) throw new Error(`no host ${name} in the lab: it has ${hosts.map((host) => host.name).join(', ')}`)
  return host
}

function head(name: string, address: string): HostSpec {
  return { name, address, role: 'head', services: ['etcd', 'munged', 'scheduler', 'slurmctld'], devices: [] }
}

function storage(name: string, address: string, count: number): HostSpec {
  const devices = Array.from({ length: count }, (_, index) => `nvme${index + 1}n1`)
  return { name, address, role: 'storage', services: ['glusterd', 'agent'], devices }
}

function compute(name: string, address: string): HostSpec {
  return { name, address, role: 'compute', services: ['munged', 'agent', 'slurmd'], devices: [] }
}
