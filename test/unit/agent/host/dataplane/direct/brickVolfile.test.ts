import { expect } from 'chai'
import { brickVolfile } from '../../../../../../src/agent/host/dataplane/direct/brickVolfile.js'
import type { BrickProcess, Login } from '../../../../../../src/agent/host/dataplane/direct/types.js'

const volumeId = '6d1b7b4e-3c0f-4d3a-9a53-0d2d6f2f8a11'
const directory = '/data/glusterfs/nvme1n1/brick'
const where = { address: '10.0.0.21', port: 50001, dispersed: false }
const tls = { certificate: '/run/bb/brick.pem', key: '/run/bb/brick.key', authorities: '/run/bb/ca.pem' }

function anExport(name: string, ...logins: Login[]) {
  return { name, directory: `${directory}/${name}`, volumeId, logins }
}

const one: BrickProcess = {
  ...where,
  exports: [{ name: 'brick', directory, volumeId, logins: [{ user: 'u3', password: '5e0f' }] }],
}

const server = `
volume server
    type protocol/server
    option transport-type tcp
    option transport.address-family inet
    option transport.socket.keepalive-time 20
    option transport.socket.keepalive-interval 2
    option transport.socket.keepalive-count 9
`

const listening = `    option transport.socket.listen-port 50001
    option transport.socket.bind-address 10.0.0.21
    option transport.listen-backlog 1024
    option transport.socket.keepalive 1
`

function lower(name: string, at: string) {
  return `volume ${name}.posix
    type storage/posix
    option directory ${at}
    option volume-id ${volumeId}
    option gfid2path off
end-volume

volume ${name}.access
    type features/access-control
    subvolumes ${name}.posix
end-volume

volume ${name}.locks
    type features/locks
    subvolumes ${name}.access
end-volume

volume ${name}.threads
    type performance/io-threads
    option normal-prio-threads 1
    subvolumes ${name}.locks
end-volume

`
}

function top(name: string, at: string, on = `${name}.threads`) {
  return `volume ${name}
    type debug/io-stats
    option unique-id ${at}
    subvolumes ${on}
end-volume
`
}

describe('the volfile of a brick', () => {
  it('serves one directory to the one who has its login', () => {
    expect(brickVolfile(one)).to.equal(
      lower('brick', directory) +
        top('brick', directory) +
        server +
        listening +
        `    option auth-path brick
    option auth.login.brick.allow u3
    option auth.login.u3.password 5e0f
    subvolumes brick
end-volume
`,
    )
  })

  it('keeps an index of what has to be healed for a dispersed volume', () => {
    expect(brickVolfile({ ...one, dispersed: true })).to.equal(
      lower('brick', directory) +
        `volume brick.index
    type features/index
    option xattrop64-watchlist trusted.ec.dirty
    option index-base ${directory}/.glusterfs/indices
    subvolumes brick.threads
end-volume

` +
        top('brick', directory, 'brick.index') +
        server +
        listening +
        `    option auth-path brick
    option auth.login.brick.allow u3
    option auth.login.u3.password 5e0f
    subvolumes brick
end-volume
`,
    )
  })

  it('serves what is shared and a directory a node from one process, each to its own login', () => {
    const shared = anExport('shared', { user: 'u3', password: '5e0f' }, { user: 'u4', password: 'a1' })
    const exports = [shared, anExport('node0', { user: 'n0', password: '77' })]
    expect(brickVolfile({ ...where, exports })).to.equal(
      lower('shared', `${directory}/shared`) +
        top('shared', `${directory}/shared`) +
        '\n' +
        lower('node0', `${directory}/node0`) +
        top('node0', `${directory}/node0`) +
        server +
        listening +
        `    option auth-path shared
    option auth.login.shared.allow u3,u4
    option auth.login.u3.password 5e0f
    option auth.login.u4.password a1
    option auth.login.node0.allow n0
    option auth.login.n0.password 77
    subvolumes shared node0
end-volume
`,
    )
  })

  it('with TLS asks for certificates of its holders, and knows no password', () => {
    const exports = [{ name: 'brick', directory, volumeId, holders: ['u3', 'storage'] }]
    expect(brickVolfile({ ...where, tls, exports })).to.equal(
      lower('brick', directory) +
        top('brick', directory) +
        server +
        `    option transport.socket.ssl-enabled on
    option transport.socket.ssl-own-cert /run/bb/brick.pem
    option transport.socket.ssl-private-key /run/bb/brick.key
    option transport.socket.ssl-ca-list /run/bb/ca.pem
    option transport.socket.ssl-cert-depth 1
` +
        listening +
        `    option auth-path brick
    option auth.login.brick.ssl-allow u3.*,storage.*
    subvolumes brick
end-volume
`,
    )
  })

  it('has no rule for addresses, which would let in every user of them', () => {
    expect(brickVolfile(one)).to.not.include('auth.addr')
  })

  it('listens on an address of the version that it has', () => {
    expect(brickVolfile({ ...one, address: 'fd00::21' })).to.include('address-family inet6\n')
    const everywhere = brickVolfile({ ...one, address: '::' })
    expect(everywhere).to.include('address-family inet6\n').and.not.include('bind-address')
    expect(() => brickVolfile({ ...one, address: 'gluster1' })).to.throw('listens on an address, not on "gluster1"')
  })

  const login = { user: 'u3', password: '5e0f' }
  for (const [what, exports, message] of [
    ['no export', [], 'at least one export'],
    ['an export that nobody may open', [anExport('a')], 'empty list'],
    ['two exports of one name', [anExport('a', login), anExport('a', { ...login, user: 'u' })], 'a is there twice'],
    ['one user in two exports', [anExport('a', login), anExport('b', login)], 'u3 is there twice'],
    ['an export of the name of the last translator', [anExport('server', login)], 'called server'],
    ['an export of the name of an inner translator', [anExport('a.posix', login)], 'name of an export may contain'],
    ['a pattern for a user', [anExport('a', { ...login, user: '*' })], 'user of a login may contain'],
    ['a password of two words', [anExport('a', { ...login, password: 'x y' })], 'password may contain'],
  ] as const)
    it(`is refused with ${what}`, () => {
      expect(() => brickVolfile({ ...where, exports })).to.throw(message)
    })
})
