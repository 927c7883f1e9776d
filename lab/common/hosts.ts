import { noHost } from './messages.js'

/** What a lab consists of. Hosts are named by their roles: a test with `gluster1` is easier to read. */

export type ServiceName = 'etcd' | 'munged' | 'glusterd' | 'scheduler' | 'standby' | 'slurmctld' | 'slurmd' | 'agent'

export interface HostSpec {
  name: string
  address: string
  role: 'etcd' | 'head' | 'storage' | 'compute'
  /** In the order in which they are started. */
  services: readonly ServiceName[]
  /** Names of the disks that the host has in its `/dev`. */
  devices: readonly string[]
}

/** As slurm/slurm.conf says it. */
export const clusterName = 'example'

/** One terabyte, decimal, as disks are sold and as Slurm's `TB`. */
export const deviceBytes = 10 ** 12

export const pool = { name: 'dedicated_nvme', granularity: '1TB' } as const

export interface User {
  name: string
  uid: number
}

/** These users exist only in the lab's hosts. Slurm does not allow buffers for root. */
export const users: readonly User[] = [
  { name: 'alice', uid: 20001 },
  { name: 'bob', uid: 20002 },
]

/** A group of both users. */
export const sharedGroup = { name: 'project', gid: 20100 } as const

/** What the hosts of one cluster have in common. */
export interface Site {
  hosts: readonly HostSpec[]
  /** Where the hosts have Node. */
  node: string
  /** etcd accepts only TLS, with a client certificate. */
  isEtcdPrivate?: boolean
}

/** The lab in namespaces: a host sees the machine's programs. */
export const labSite: Site = {
  hosts: [head('10.91.0.10', ['etcd', 'munged', 'scheduler', 'slurmctld']), ...workers('10.91.0')],
  node: process.execPath,
}

const composeNetwork = process.env['BURSTBUFFER_NETWORK'] ?? '10.92.0'

/** The hosts of docker/compose.yaml, where etcd has three members of its own. */
export const composeSite: Site = {
  hosts: [
    etcd('etcd1', `${composeNetwork}.11`),
    etcd('etcd2', `${composeNetwork}.12`),
    etcd('etcd3', `${composeNetwork}.13`),
    head(`${composeNetwork}.10`, ['munged', 'scheduler', 'slurmctld']),
    ...workers(composeNetwork),
  ],
  node: '/usr/local/bin/node',
  isEtcdPrivate: true,
}

export function hostNamed(name: string, { hosts }: Pick<Site, 'hosts'> = labSite): HostSpec {
  const host = hosts.find((host) => host.name === name)
  if (!host)
    throw new Error(
      noHost(
        name,
        hosts.map((host) => host.name),
      ),
    )
  return host
}

export function hostsWith(service: ServiceName, { hosts }: Pick<Site, 'hosts'>): readonly HostSpec[] {
  return hosts.filter(({ services }) => services.includes(service))
}

/** Where etcd's clients reach it. */
export function etcdEndpoints(site: Omit<Site, 'node'>): string[] {
  return hostsWith('etcd', site).map(({ name }) => `${etcdScheme(site)}://${name}:2379`)
}

export function etcdScheme({ isEtcdPrivate = false }: Pick<Site, 'isEtcdPrivate'>): 'http' | 'https' {
  return isEtcdPrivate ? 'https' : 'http'
}

/** A host's own certificate for etcd, its key, and the authority that made both; as in etc/agent.yaml. */
export const certificate = {
  caFile: '/etc/burstbuffer/ca.pem',
  certFile: '/etc/burstbuffer/host.pem',
  keyFile: '/etc/burstbuffer/host-key.pem',
} as const

export function deviceCount({ hosts }: Pick<Site, 'hosts'>): number {
  return hosts.reduce((sum, host) => sum + host.devices.length, 0)
}

function workers(network: string): HostSpec[] {
  return [
    storage('gluster1', `${network}.21`, 7),
    storage('gluster2', `${network}.22`, 7),
    storage('gluster3', `${network}.23`, 6),
    compute('c1', `${network}.31`),
    compute('c2', `${network}.32`),
  ]
}

function etcd(name: string, address: string): HostSpec {
  return { name, address, role: 'etcd', services: ['etcd'], devices: [] }
}

function head(address: string, services: readonly ServiceName[]): HostSpec {
  return { name: 'head', address, role: 'head', services, devices: [] }
}

function storage(name: string, address: string, count: number): HostSpec {
  const devices = Array.from({ length: count }, (_, index) => `nvme${index + 1}n1`)
  return { name, address, role: 'storage', services: ['glusterd', 'agent'], devices }
}

function compute(name: string, address: string): HostSpec {
  return { name, address, role: 'compute', services: ['munged', 'agent', 'slurmd'], devices: [] }
}
