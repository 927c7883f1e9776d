import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { composeSite } from '../../../../lab/common/hosts.js'
import { environmentOf } from '../../../../lab/common/services.js'

const folder = resolve(import.meta.dirname, '../../../../docker')
const withDefaults = (text: string) => text.replace(/\$\{\w+:-(.*?)\}/g, '$1')
const file = parse(withDefaults(readFileSync(`${folder}/compose.yaml`, 'utf8')), { merge: true }) as {
  services: Record<string, Service> & { certificates: { volumes: string[] } }
}
const { certificates, ...hosts } = file.services

interface Service {
  hostname: string
  extra_hosts: string[]
  networks: { cluster: { ipv4_address: string } }
  devices?: string[]
  volumes: string[]
}

describe('docker/compose.yaml', () => {
  it('has the hosts that the demo and the tests know, at their addresses', () => {
    const seen = Object.entries(hosts).map(([name, { hostname, networks }]) => {
      expect(hostname).to.equal(name)
      return `${name} ${networks.cluster.ipv4_address}`
    })
    expect(seen).to.have.members(composeSite.hosts.map(({ name, address }) => `${name} ${address}`))
  })

  it('tells every host the name of every other', () => {
    const names = composeSite.hosts.map(({ name, address }) => `${name}:${address}`)
    for (const { extra_hosts } of Object.values(hosts)) expect(extra_hosts).to.have.members(names)
  })

  it('lets the hosts with disks, and no others, attach loop devices', () => {
    const wanted = composeSite.hosts.filter(({ devices }) => devices.length > 0).map(({ name }) => name)
    const given = Object.keys(hosts).filter((name) => hosts[name]!.devices?.includes('/dev/loop-control'))
    expect(given).to.have.members(wanted)
  })

  it('gives every host its own certificate for etcd, and no other', () => {
    expect(certificates.volumes).to.deep.equal(
      Object.keys(hosts).map((name) => `certificate-${name}:/certificates/${name}`),
    )
    for (const [name, { volumes }] of Object.entries(hosts)) {
      expect(volumes.filter((volume) => volume.includes('certificate'))).to.deep.equal([
        `certificate-${name}:/certificate:ro`,
      ])
    }
  })

  it('tells etcdctl the members of etcd', () => {
    const dockerfile = readFileSync(`${folder}/Dockerfile`, 'utf8')
    const { ETCDCTL_API, ETCDCTL_ENDPOINTS, ...certificate } = environmentOf(composeSite)
    expect(dockerfile).to.include(`ENV ETCDCTL_API=${ETCDCTL_API} ETCDCTL_ENDPOINTS=${ETCDCTL_ENDPOINTS}\n`)
    expect(dockerfile).to.include(
      `ENV ${Object.entries(certificate)
        .map((words) => words.join('='))
        .join(' ')}\n`,
    )
  })
})
