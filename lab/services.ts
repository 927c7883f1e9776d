import type { HostSpec, ServiceName } from './hosts.js'
import { hosts } from './hosts.js'

/** How one program is run on a host: what its systemd unit says on a real one. */
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
const node = [process.execPath, '--max-semi-space-size=1', '--enable-source-maps']
const etcdUrl = `http://${hosts.find((host) => host.role === 'head')!.address}:2379`

export function serviceOf(host: HostSpec, name: ServiceName): Service {
  switch (name) {
    case 'etcd':
      return {
        argv: [
          'etcd',
          ...['--name', host.name, '--data-dir', '/var/lib/etcd', '--logger', 'zap'],
          ...['--listen-client-urls', `${etcdUrl},http://127.0.0.1:2379`, '--advertise-client-urls', etcdUrl],
          ...['--listen-peer-urls', 'http://127.0.0.1:2380', '--initial-advertise-peer-urls', 'http://127.0.0.1:2380'],
          ...['--initial-cluster', `${host.name}=http://127.0.0.1:2380`],
        ],
        ready: ['etcdctl', 'endpoint', 'health'],
      }
    case 'munged':
      return {
        argv: ['munged', '--foreground'],
        user: 'munge',
        runtime: ['/run/munge', 'munge', '0755'],
        ready: ['sh', '-c', 'munge --no-input | unmunge'],
      }
    case 'glusterd':
      return { argv: ['glusterd', '--no-daemon'], ready: ['gluster', '--mode=script', 'pool', 'list'] }
    case 'scheduler':
      return scheduler('/run/burstbuffer/scheduler.sock')
    case 'standby':
      return scheduler('/run/burstbuffer/standby.sock')
    case 'slurmctld':
      return { argv: ['slurmctld', '-D'], ready: ['sh', '-c', 'scontrol ping | grep -q "is UP"'] }
    case 'slurmd':
      return { argv: ['slurmd', '-D', '-N', host.name], ready: ['scontrol', 'show', 'slurmd'] }
    case 'agent':
      return {
        argv: [...node, `${installed}/dist/agent/main.js`, '--config', '/etc/burstbuffer/agent.yaml'],
        runtime: ['/run/burstbuffer', 'root', '0755'],
        ready: ['sh', '-c', `etcdctl get --keys-only /burstbuffer/hosts/${host.name} | grep -q .`],
      }
  }
}

/** etcdctl of any host speaks to the lab's etcd. */
export const environment: Record<string, string> = { ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: etcdUrl }

function scheduler(socket: string): Service {
  const config = ['--config', '/etc/burstbuffer/scheduler.yaml', '--socket', socket]
  return {
    argv: [...node, `${installed}/dist/scheduler/main.js`, ...config],
    user: 'slurm',
    runtime: ['/run/burstbuffer', 'slurm', '0750'],
    ready: ['test', '-S', socket],
  }
}
