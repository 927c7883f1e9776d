import { expect } from 'chai'
import {
  clientFailureIn,
  failureIn,
  firstError,
} from '../../../../../../src/agent/host/dataplane/direct/startFailure.js'

const time = '[2026-11-28 14:08:21.587589 +0000] E'
const lines: Record<string, string> = {
  alreadyRunning: `${time} [MSGID: 100018] [glusterfsd.c:2223:glusterfs_pidfile_update] 0-glusterfsd: pidfile lock failed [{pidfile=/x.pid}, {errno=11}, {error=Resource temporarily unavailable}] `,
  portInUse: `${time} [socket.c:938:__socket_server_bind] 0-tcp.server: binding to  failed: Address already in use`,
  addressMissing: `${time} [socket.c:938:__socket_server_bind] 0-tcp.server: binding to  failed: Cannot assign requested address`,
  directoryMissing: `${time} [MSGID: 113034] [posix-common.c:702:posix_init] 0-b.posix: Directory '/x/none' doesn't exist, exiting. `,
  volumeIdMissing: `${time} [MSGID: 113064] [posix-common.c:786:posix_init] 0-b.posix: Extended attribute trusted.glusterfs.volume-id is absent [No data available]`,
  volumeIdDiffers: `${time} [MSGID: 113063] [posix-common.c:775:posix_init] 0-b.posix: mismatching volume-id (12345678-1234-5678-1234-567812345670) received. already is a part of volume 12345678-1234-5678-1234-567812345679  `,
  indexMissing: `${time} [MSGID: 138001] [index.c:2427:init] 0-b.index: Failed to find parent dir (/x/.glusterfs) of index basepath /x/.glusterfs/indices. [No such file or directory]`,
  certificate: `${time} [socket.c:4405:ssl_setup_connection_params] 0-tcp.server: could not load our cert at /nowhere`,
  volfileRefused: `${time} [MSGID: 101002] [graph.y:211:volume_type] 0-parser: Volume 'a', line 2: type 'no/such' is not valid or not found on this machine `,
  unknown: `${time} [MSGID: 1] [x.c:1:x] 0-x: something new`,
}
const behind = `${time} [MSGID: 101176] [graph.c:765:glusterfs_graph_activate] 0-graph: init failed `

describe('why a brick process did not start', () => {
  for (const [failure, line] of Object.entries(lines))
    it(`is told from its log: ${failure}`, () => {
      expect(failureIn(`${line}\n${behind}\n`)).to.equal(failure)
    })

  it('is not told by a log that says nothing', () => {
    expect(failureIn('')).to.equal('unknown')
    expect(firstError('')).to.equal('')
  })

  it('is shown in the words of the first error, without time and place', () => {
    const warning = '[2026-11-28 14:08:21.5 +0000] W [server.c:1318:server_init] 0-server: a warning'
    expect(firstError([warning, lines['portInUse'], behind].join('\n'))).to.equal(
      '0-tcp.server: binding to  failed: Address already in use',
    )
    expect(firstError(lines['directoryMissing']!)).to.equal("0-b.posix: Directory '/x/none' doesn't exist, exiting.")
  })

  it('is shown in printable ASCII, and not at any length', () => {
    expect(firstError(`${time} [x.c:1:x] 0-x: \x1b[31mü${'y'.repeat(1000)}`))
      .to.match(/^0-x: \?\[31m\?y+$/)
      .and.have.length(500)
  })
})

describe('why a client did not mount its volume', () => {
  const refused = `${time} [MSGID: 114044] [client-handshake.c:756:client_setvolume_cbk] 0-brick0: SETVOLUME on remote-host failed [{remote-error=`
  const lookup = `${time} [fuse-bridge.c:5364:fuse_first_lookup] 0-fuse: first lookup on root failed (Transport endpoint is not connected)`
  const said: Record<string, string> = {
    wrongLogin: `${refused}Authentication failed}, {errno=13}, {error=Permission denied}] `,
    unknownExport: `${refused}Brick not found}, {errno=2}, {error=No such file or directory}] `,
    unknownHost: `${time} [name.c:267:af_inet_client_get_remote_sockaddr] 0-brick0: DNS resolution failed on host none`,
    noMountPoint: `${time} [fuse-bridge.c:6740:init] 0-fuse: mountpoint /mnt/x does not exist`,
    alreadyRunning: lines['alreadyRunning']!,
    certificate: lines['certificate']!,
    volfileRefused: lines['volfileRefused']!,
    notConnected: lookup,
  }
  for (const [failure, line] of Object.entries(said))
    it(`is told from its log: ${failure}`, () => {
      expect(clientFailureIn(`${line}\n${lookup}\n`)).to.equal(failure)
    })

  it('is not told by a log that says nothing', () => {
    expect(clientFailureIn('')).to.equal('unknown')
  })
})
