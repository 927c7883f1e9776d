import { existsSync } from 'node:fs'
import { certificate, clusterName, etcdEndpoints, hostsWith, pool, type HostSpec, type Site } from './hosts.js'

const deviceMapper = '/sys/class/misc/device-mapper'

/** The configuration files of our programs on a host, by name below /etc/burstbuffer. `etc/` explains their keys. */
export function configFiles(host: HostSpec, site: Site): Record<string, string> {
  const access = site.isEtcdPrivate ? `tls: ${JSON.stringify(certificate)}` : 'insecure: true'
  const etcd = `etcd:\n  endpoints: [${etcdEndpoints(site).join(', ')}]\n  ${access}\n`
  const servers = hostsWith('glusterd', site).map(({ name }) => name)
  if (host.role === 'etcd') return {}
  if (host.role === 'head') {
    return {
      'scheduler.yaml': `cluster: ${clusterName}\n${etcd}pools:\n  ${pool.name}:\n    granularity: ${pool.granularity}\n    default: true\n    dataPlane: glusterd\nstorageHosts: [${servers.join(', ')}]\nadminClients: [c2]\n`,
    }
  }
  const pools = host.role === 'storage' ? `pools:\n  ${pool.name}: [/dev/nvme*n1]\nstagePaths: [/home]\n` : ''
  const filter = host.role === 'compute' ? `packetFilter: { storageHosts: [${servers.join(', ')}] }\n` : ''
  const swap = host.role === 'compute' && !canEncrypt() ? 'swap: { plaintext: true }\n' : ''
  return { 'agent.yaml': `cluster: ${clusterName}\nroles: [${host.role}]\n${etcd}${pools}${filter}${swap}` }
}

/** Whether swap can be encrypted: the hosts share the machine's kernel, which may have no device mapper. */
export function canEncrypt(): boolean {
  return existsSync(deviceMapper) && existsSync('/usr/sbin/cryptsetup')
}
