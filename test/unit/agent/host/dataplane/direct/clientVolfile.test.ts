import { expect } from 'chai'
import { clientVolfile } from '../../../../../../src/agent/host/dataplane/direct/clientVolfile.js'
import { graphs } from '../../../../../../src/agent/host/dataplane/common/graphs.js'
import type { Layout, MountedVolume } from '../../../../../../src/agent/host/dataplane/direct/types.js'

const login = { user: 'u3', password: '5e0f' }
const tls = { certificate: '/run/bb/c1.pem', key: '/run/bb/c1.key', authorities: '/run/bb/ca.pem' }
const distribute: Layout = { kind: 'distribute' }
const disperse: Layout = { kind: 'disperse', bricks: 3, redundancy: 1 }

function bricks(count: number) {
  return Array.from({ length: count }, (_, n) => ({ host: `10.0.0.2${n}`, port: 50001 + n, export: 'brick' }))
}

function aVolume(over: Partial<MountedVolume> = {}): MountedVolume {
  return { bricks: bricks(2), layout: distribute, login, ...over } as MountedVolume
}

const passwords = `    option username u3
    option password 5e0f
`
const certificates = `    option transport.socket.ssl-enabled on
    option transport.socket.ssl-own-cert /run/bb/c1.pem
    option transport.socket.ssl-private-key /run/bb/c1.key
    option transport.socket.ssl-ca-list /run/bb/ca.pem
    option transport.socket.ssl-cert-depth 1
`

function brickText(n: number, { password = passwords, certificate = '' } = {}) {
  return `volume brick${n}
    type protocol/client
    option transport-type tcp
    option transport.address-family inet
    option transport.socket.keepalive-time 20
    option transport.socket.keepalive-interval 2
    option transport.socket.keepalive-count 9
${certificate}    option remote-host 10.0.0.2${n}
    option remote-port ${50001 + n}
    option remote-subvolume brick
${password}    option ping-timeout 10
    option send-gids true
end-volume

`
}

const exactTop = `
volume times
    type features/utime
    option noatime on
    subvolumes distribute
end-volume

volume write-behind
    type performance/write-behind
    subvolumes times
end-volume

volume threads
    type performance/io-threads
    subvolumes write-behind
end-volume

volume top
    type debug/io-stats
    subvolumes threads
end-volume
`

describe('the volfile of a client', () => {
  it('distributes files over its bricks, and shows them as they are', () => {
    expect(clientVolfile(aVolume(), graphs.exact.layers)).to.equal(
      brickText(0) +
        brickText(1) +
        `volume distribute
    type cluster/distribute
    subvolumes brick0 brick1
end-volume
` +
        exactTop,
    )
  })

  it('disperses files over sets of bricks', () => {
    expect(clientVolfile(aVolume({ bricks: bricks(6), layout: disperse }), graphs.exact.layers)).to.equal(
      [0, 1, 2, 3, 4, 5].map((n) => brickText(n)).join('') +
        `volume disperse0
    type cluster/disperse
    option redundancy 1
    subvolumes brick0 brick1 brick2
end-volume

volume disperse1
    type cluster/disperse
    option redundancy 1
    subvolumes brick3 brick4 brick5
end-volume

volume distribute
    type cluster/distribute
    subvolumes disperse0 disperse1
end-volume
` +
        exactTop,
    )
  })

  it('with TLS shows a certificate, and knows no password', () => {
    const text = clientVolfile({ bricks: bricks(1), layout: distribute, tls }, graphs.exact.layers)
    expect(text).to.equal(
      brickText(0, { password: '', certificate: certificates }) +
        `volume distribute
    type cluster/distribute
    subvolumes brick0
end-volume
` +
        exactTop,
    )
  })

  it('leaves open which version of address a name has', () => {
    const named = { host: 'gluster1', port: 50001, export: 'brick' }
    const text = clientVolfile(aVolume({ bricks: [named] }), graphs.exact.layers)
    expect(text).to.include('option remote-host gluster1\n').and.not.include('address-family')
  })

  for (const [what, over, message] of [
    ['no brick', { bricks: [] }, 'at least one brick'],
    ['bricks that are not whole sets', { bricks: bricks(4), layout: disperse }, '4 bricks are not sets of 3'],
    ['half of a set redundant', { bricks: bricks(2), layout: { ...disperse, bricks: 2 } }, 'the redundancy 1'],
    ['no redundancy', { bricks: bricks(3), layout: { ...disperse, redundancy: 0 } }, 'the redundancy 0'],
    ['a host of two lines', { bricks: [{ host: 'a\nb', port: 1, export: 'brick' }] }, 'remote-host may contain'],
    ['an inner translator', { bricks: [{ host: 'a', port: 1, export: 'brick.posix' }] }, 'export may contain'],
    ['a user of two words', { login: { ...login, user: 'a b' } }, 'user of a login may contain'],
  ] as const)
    it(`is refused with ${what}`, () => {
      expect(() => clientVolfile(aVolume(over), graphs.exact.layers)).to.throw(message)
    })
})
