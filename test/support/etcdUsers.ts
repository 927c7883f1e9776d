import { execFileSync } from 'node:child_process'
import { startEtcd, type TestEtcd } from './etcd.js'

export interface EtcdUser {
  name: string
  password: string
}

/** An etcd with authentication, and with the users that etc/etcd-users.sh makes when it is called with each of these lines. */
export async function startEtcdWithUsers(
  ...calls: string[]
): Promise<{ etcd: TestEtcd; user(name: string): EtcdUser; addUsers(call: string): void }> {
  const etcd = await startEtcd()
  const env = { ...process.env, ETCDCTL_API: '3', ETCDCTL_ENDPOINTS: etcd.url }
  const passwords = new Map<string, string>()
  const addUsers = (call: string, more = {}) => {
    const said = execFileSync('etc/etcd-users.sh', call.split(' '), { encoding: 'utf8', env: { ...env, ...more } })
    for (const line of said.split('\n').filter((text) => text !== '')) {
      const [name, password] = line.split(' ') as [string, string]
      passwords.set(name, password)
    }
  }
  for (const call of calls) addUsers(call)
  etcd.ctl('user', 'add', 'root:secret')
  etcd.ctl('user', 'grant-role', 'root', 'root')
  etcd.ctl('auth', 'enable')
  return {
    etcd,
    user: (name) => ({ name, password: passwords.get(name)! }),
    addUsers: (call) => addUsers(call, { ETCDCTL_USER: 'root:secret' }),
  }
}
