import { readFileSync } from 'node:fs'
import {
  certificate,
  etcdEndpoints,
  etcdScheme,
  hostsWith,
  type HostSpec,
  type ServiceName,
  type Site,
} from './hosts.js'

/** How a program is run on a host: what its systemd unit says on a real host. */
export interface Service {
  argv: readonly string[]
  user?: string
  /** Folders below /run to make before, as a unit's RuntimeDirectory: path, owner, mode. */
  runtime?: readonly [path: string, owner: string, mode: string]
  /** Exits 0 in the host when the program answers. */
  ready: readonly string[]
}

export const installed = '/opt/burstbuffer'
/** Node's defaults keep a large young generation; a daemon at rest does not need it. */
const nodeFlags = ['--max-semi-space-size=1', '--enable-source-maps']
/**
 * At their start, glusterd and gluster run Python twenty times to set up geo-replication, with the program that PYTHON names. Nobody
 * here uses it, and glusterd accepts any output with the name of the program in it (measured, 10.3: 1.7 s instead of 9.4 s).
 */
const noPython = ['env', 'PYTHON=/bin/echo']

export function serviceOf(host: HostSpec, name: ServiceName, site: Site): Service {
  const node = [site.node, ...nodeFlags]
  switch (name) {
    case 'etcd':
      return etcd(host, site)
    case 'munged':
      return {
        argv: ['munged', '--foreground'],
        user: 'munge',
        runtime: ['/run/munge', 'munge', '0755'],
        ready: ['sh', '-c', 'munge --no-input | unmunge'],
      }
    case 'glusterd':
      return {
        argv: [...noPython, 'glusterd', '--no-daemon'],
        ready: [...noPython, 'gluster', '--mode=script', 'pool', 'list'],
      }
    case 'scheduler':
      return scheduler(node, '/run/burstbuffer/scheduler.sock')
    case 'standby':
      return scheduler(node, '/run/burstbuffer/standby.sock')
    case 'slurmctld':
      return { argv: ['slurmctld', '-D'], ready: ['sh', '-c', 'scontrol ping | grep -q "is UP"'] }
    case 'slurmd':
      return { argv: ['slurmd', '-D', '-N', host.name], ready: ['scontrol', 'show', 'slurmd'] }
    case 'agent':
      return {
        argv: [...unitRights(), ...node, `${installed}/dist/agent/main.js`, '--config', '/etc/burstbuffer/agent.yaml'],
        runtime: ['/run/burstbuffer-agent', 'root', '0700'],
        ready: ['sh', '-c', `etcdctl get --keys-only /burstbuffer/hosts/${host.name} | grep -q .`],
      }
  }
}

/** The rights of root that the agent's unit leaves it, and all that it starts. */
function unitRights(): string[] {
  const unit = readFileSync(new URL('../../systemd/bb-agent.service', import.meta.url), 'utf8')
  const names = /^CapabilityBoundingSet=(.+)$/m.exec(unit)![1]!.split(' ')
  const kept = names.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`)
  return ['setpriv', '--no-new-privs', `--bounding-set=${['-all', ...kept].join()}`]
}

/** The environment with which etcdctl on any host uses the cluster's etcd. */
export function environmentOf(site: Site): Record<string, string> {
  const { caFile, certFile, keyFile } = certificate
  return {
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: etcdEndpoints(site).join(),
    ...(site.isEtcdPrivate ? { ETCDCTL_CACERT: caFile, ETCDCTL_CERT: certFile, ETCDCTL_KEY: keyFile } : {}),
  }
}

function etcd(host: HostSpec, site: Site): Service {
  const scheme = etcdScheme(site)
  const peerUrl = (name: string) => `${scheme}://${name}:2380`
  const members = hostsWith('etcd', site).map(({ name }) => `${name}=${peerUrl(name)}`)
  return {
    argv: [
      'etcd',
      ...['--name', host.name, '--data-dir', '/var/lib/etcd', '--logger', 'zap'],
      ...[
        '--listen-client-urls',
        `${scheme}://0.0.0.0:2379`,
        '--advertise-client-urls',
        `${scheme}://${host.name}:2379`,
      ],
      ...['--listen-peer-urls', `${scheme}://0.0.0.0:2380`, '--initial-advertise-peer-urls', peerUrl(host.name)],
      ...(site.isEtcdPrivate ? tlsFlags() : []),
      ...['--initial-cluster', members.join()],
      ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '1h'],
      ...['--quota-backend-bytes', String(2 * 1024 ** 3)],
      // On a small machine, members must not consider each other dead.
      ...(members.length > 1 ? ['--heartbeat-interval', '300', '--election-timeout', '3000'] : []),
    ],
    // Only this member: it answers when it has a quorum.
    ready: ['env', `ETCDCTL_ENDPOINTS=${scheme}://127.0.0.1:2379`, 'etcdctl', 'endpoint', 'health'],
  }
}

/** A member shows the same certificate to clients and to other members, and requires one from both. */
function tlsFlags(): string[] {
  const { caFile, certFile, keyFile } = certificate
  const own = (prefix: string) => [
    ...[`--${prefix}cert-file`, certFile, `--${prefix}key-file`, keyFile],
    ...[`--${prefix}trusted-ca-file`, caFile, `--${prefix}client-cert-auth`],
  ]
  return [...own(''), ...own('peer-')]
}

function scheduler(node: readonly string[], socket: string): Service {
  const config = ['--config', '/etc/burstbuffer/scheduler.yaml', '--socket', socket]
  return {
    argv: [...node, `${installed}/dist/scheduler/main.js`, ...config],
    user: 'slurm',
    runtime: ['/run/burstbuffer', 'slurm', '0750'],
    ready: ['test', '-S', socket],
  }
}
