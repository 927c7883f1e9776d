import { execFileSync } from 'node:child_process'
import { chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { certificate, composeSite, hostsWith } from '../common/hosts.js'
import { idsOf } from '../common/files.js'

/*
 * The container `certificates` runs this before any host starts: it makes a certificate for etcd for each host, in a volume that only
 * the host has. The key of the authority is deleted when the container ends.
 */

/** It has a folder for each host. */
const folders = '/certificates'
const files = Object.values(certificate).map((path) => basename(path))

const isThere = composeSite.hosts.every(({ name }) => files.every((file) => existsSync(join(folders, name, file))))
if (!isThere) makeAll()

/** Makes the certificates of all hosts, because the authority of earlier ones no longer exists. */
function makeAll(): void {
  const authority = mkdtempSync(join(tmpdir(), 'authority-'))
  const make = (...words: string[]) =>
    execFileSync('/opt/burstbuffer/etc/etcd-tls.sh', [authority, ...words], { stdio: ['ignore', 'inherit', 'inherit'] })
  try {
    make('ca')
    for (const { name, address } of hostsWith('etcd', composeSite)) make('member', name, address)
    const clients = composeSite.hosts.filter(({ services }) => !services.includes('etcd'))
    make('client', ...clients.map(({ name }) => name))
    for (const { name, role } of composeSite.hosts) {
      const folder = join(folders, name)
      mkdirSync(folder, { recursive: true })
      const owner = role === 'head' ? idsOf('/etc/passwd', 'slurm') : { uid: 0, gid: 0 }
      for (const [from, to] of [
        ['ca.pem', certificate.caFile],
        [`${name}.pem`, certificate.certFile],
        [`${name}-key.pem`, certificate.keyFile],
      ] as const) {
        const path = join(folder, basename(to))
        copyFileSync(join(authority, from), `${path}.new`)
        chownSync(`${path}.new`, owner.uid, owner.gid)
        renameSync(`${path}.new`, path)
      }
    }
  } finally {
    rmSync(authority, { recursive: true })
  }
}
