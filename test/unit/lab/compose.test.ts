import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'yaml'
import { composeSite, etcdEndpoints } from '../../../lab/hosts.js'

const folder = resolve(import.meta.dirname, '../../../docker')
const withDefaults = (text: string) => text.replace(/\$\{\w+:-(.*?)\}/g, '$1')
const file = parse(withDefaults(readFileSync(`${folder}/compose.yaml`, 'utf8')), { merge: true }) as {
  services: Record<string, Service>
}

interface Service {
  hostname: string
  extra_hosts: string[]
  networks: { cluster: { ipv4_address: string } }
  devices?: string[]
}

describe('docker/compose.yaml', () => {
  it('has the hosts that the demo and the tests know, at their addresses', () => {
    const hosts = Object.entries(file.services).map(([name, { hostname, networks }]) => {
      expect(hostname).to.equal(name)
      return `${name} ${networks.cluster.ipv4_address}`
    })
    expect(hosts).to.have.members(composeSite.hosts.map(({ name, address }) => `${name} ${address}`))
  })

  it('tells every host the name of every other', () => {
    const names = composeSite.hosts.map(({ name, address }) => `${name}:${address}`)
    for (const { extra_hosts } of Object.values(file.services)) expect(extra_hosts).to.have.members(names)
  })

  it('lets the hosts with disks, and no others, attach loop devices', () => {
    const wanted = composeSite.hosts.filter(({ devices }) => devices.length > 0).map(({ name }) => name)
    const given = Object.keys(file.services).filter((name) =>
      file.services[name]!.devices?.includes('/dev/loop-control'),
    )
    expect(given).to.have.members(wanted)
  })

  it('tells etcdctl the members of etcd', () => {
    const dockerfile = readFileSync(`${folder}/Dockerfile`, 'utf8')
    expect(dockerfile).to.include(`ETCDCTL_ENDPOINTS=${etcdEndpoints(composeSite).join()}\n`)
  })
})
