import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { configFiles } from './config.js'
import { labSite, sharedGroup, users, type HostSpec, type Site } from './hosts.js'

/*
 * The folders of a host that survive a power cut. The machine's own /etc and /var stay unchanged: a host gets copies of the few
 * files that programs need, and files of its own for everything else.
 */

const checkout = resolve(import.meta.dirname, '../..')

/** What every Linux program expects, and what the Debian packages of our programs contain. */
const copied = [
  'alternatives',
  'bash.bashrc',
  'debian_version',
  'glusterfs/glusterd.vol',
  'host.conf',
  'ld.so.cache',
  'ld.so.conf',
  'ld.so.conf.d',
  'localtime',
  'login.defs',
  'lvm',
  'mke2fs.conf',
  'networks',
  'nsswitch.conf',
  'os-release',
  'pam.conf',
  'pam.d',
  'profile',
  'protocols',
  'rpc',
  'security',
  'services',
  'terminfo',
]

/** Makes the folders etc, var, data and mnt of a host. Existing files stay: the host may be turned on again. */
export function layOut(dir: string, host: HostSpec, mungeKey: Buffer): void {
  const etc = join(dir, 'etc')
  if (existsSync(etc)) return
  for (const folder of ['etc', 'var', 'data', 'mnt']) mkdirSync(join(dir, folder), { recursive: true })
  for (const file of copied) {
    const from = join('/etc', file)
    if (existsSync(from)) cpSync(from, join(etc, file), { recursive: true, verbatimSymlinks: true })
  }
  noticeDeadPeers(join(etc, 'glusterfs/glusterd.vol'))
  write(join(etc, 'hostname'), `${host.name}\n`)
  write(join(etc, 'hosts'), hostsFile())
  write(join(etc, 'mtab'), '')
  layOutParts(dir, host, labSite)
  const munge = idsOf(join(etc, 'passwd'), 'munge')
  own(join(etc, 'munge'), munge, 0o700)
  write(join(etc, 'munge/munge.key'), mungeKey, munge, 0o400)
  for (const folder of ['lib/glusterd', 'lib/misc', 'cache']) own(join(dir, 'var', folder), undefined, 0o755)
  own(join(dir, 'var/tmp'), undefined, 0o1777)
  symlinkSync('/run', join(dir, 'var/run'))
  symlinkSync('/run/lock', join(dir, 'var/lock'))
}

/**
 * TCP gives up a lost host after 20 seconds, as docs/operating.md recommends. Otherwise a command to a host that loses its power
 * would hold gluster's lock for minutes.
 */
function noticeDeadPeers(file: string): void {
  if (!existsSync(file)) return
  const option = '    option transport.tcp-user-timeout 20\nend-volume'
  writeFileSync(file, readFileSync(file, 'utf8').replace('end-volume', option))
}

/** Accounts, folders and configuration of the programs of a host, below the root of its file system. */
export function layOutParts(root: string, host: HostSpec, site: Site): void {
  const etc = join(root, 'etc')
  write(
    join(etc, 'passwd'),
    accounts('/etc/passwd', (name, id) => `${name}:x:${id}:${id}::/home/${name}:/bin/bash`),
  )
  write(
    join(etc, 'group'),
    `${accounts('/etc/group', (name, id) => `${name}:x:${id}:`)}${sharedGroup.name}:x:${sharedGroup.gid}:${users.map(({ name }) => name).join(',')}\n`,
  )
  // su needs a line for each user, even for root. No user has a password.
  const locked = ['root', ...users.map(({ name }) => name)].map((name) => `${name}:*:19000:0:99999:7:::\n`)
  write(join(etc, 'shadow'), locked.join(''), undefined, 0o640)
  const account = (name: string) => idsOf(join(etc, 'passwd'), name)
  for (const folder of ['lib/munge', 'log/munge']) own(join(root, 'var', folder), account('munge'), 0o700)
  for (const folder of ['spool/slurmctld', 'log/slurm']) own(join(root, 'var', folder), account('slurm'), 0o755)
  own(join(root, 'var/log/burstbuffer'), host.role === 'head' ? account('slurm') : undefined, 0o755)
  for (const folder of ['lib/etcd', 'log/glusterfs', 'spool/slurmd']) own(join(root, 'var', folder), undefined, 0o755)
  cpSync(join(checkout, 'slurm'), join(etc, 'slurm'), { recursive: true })
  for (const [name, text] of Object.entries(configFiles(host, site))) write(join(etc, 'burstbuffer', name), text)
}

/** The homes of the users, which all hosts share, as at any site. */
export function layOutHomes(dir: string): void {
  for (const user of users) own(join(dir, user.name), { uid: user.uid, gid: user.uid }, 0o700)
}

function hostsFile(): string {
  const lines = labSite.hosts.map((host) => `${host.address} ${host.name}`)
  return ['127.0.0.1 localhost', ...lines, ''].join('\n')
}

/** The machine's system accounts (ids below 1000, and slurm's), and the lab's users. */
function accounts(file: string, line: (name: string, id: number) => string): string {
  const system = readFileSync(file, 'utf8')
    .split('\n')
    .filter((entry) => entry !== '' && !entry.startsWith('+'))
    .filter((entry) => Number(entry.split(':')[2]) < 1000 || /^(slurm|nobody|nogroup):/.test(entry))
  return [...system, ...users.map((user) => line(user.name, user.uid)), ''].join('\n')
}

interface Ids {
  uid: number
  gid: number
}

export function idsOf(passwdFile: string, name: string): Ids {
  const entry = readFileSync(passwdFile, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`))
  if (!entry) throw new Error(`no user ${name} in ${passwdFile}: is the Debian package that brings it installed?`)
  const [, , uid, gid] = entry.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

function own(folder: string, ids: Ids | undefined, mode: number): void {
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, mode)
  if (ids) chownSync(folder, ids.uid, ids.gid)
}

export function write(file: string, content: string | Buffer, ids?: Ids, mode = 0o644): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, content)
  chmodSync(file, mode)
  if (ids) chownSync(file, ids.uid, ids.gid)
}
