import { isIP } from 'node:net'
import type { BrickProcess, Export, Login } from './types.js'
import { connectionOptions, type Option, plainName, type Translator, volfileOf } from './volfile.js'

/*
 * The volfile of a brick process. Who may connect is said by logins alone, or with TLS by the names of certificates:
 * GlusterFS lets in whom any one rule accepts, so that a rule for addresses beside them would open the brick to all users of
 * these hosts (measured, 10.3).
 */

/**
 * The whole text. It contains secrets unless there is TLS. Throws Error when there is no export, an export that nobody may
 * open, two of the same name, two logins of one user, or a word that is not one.
 */
export function brickVolfile(brick: BrickProcess): string {
  requireDistinct(brick)
  const { exports, dispersed } = brick
  return volfileOf([...exports.flatMap((each) => exportTranslators(each, dispersed)), server(brick)])
}

/** Inner names have a dot, which no export's name has: nobody can ask for them as for an export. */
function exportTranslators({ name, directory, volumeId }: Export, dispersed: boolean): Translator[] {
  plainName('the name of an export', name)
  const [posix, access, locks, threads, index] = ['posix', 'access', 'locks', 'threads', 'index'].map(
    (layer) => `${name}.${layer}`,
  ) as [string, string, string, string, string]
  const indexLayer: Translator = {
    name: index,
    type: 'features/index',
    options: [
      ['xattrop64-watchlist', 'trusted.ec.dirty'],
      ['index-base', `${directory}/.glusterfs/indices`],
    ],
    on: [threads],
  }
  const posixOptions: Option[] = [
    ['directory', directory],
    ['volume-id', volumeId],
    // A rename onto one of a file's names leaves the note of that name: giving it to the file again says EEXIST (10.3).
    ['gfid2path', 'off'],
  ]
  return [
    { name: posix, type: 'storage/posix', options: posixOptions },
    { name: access, type: 'features/access-control', on: [posix] },
    { name: locks, type: 'features/locks', on: [access] },
    // One name at a time: of two clients that open it with O_CREAT at once, one is told EEXIST otherwise (10.3).
    { name: threads, type: 'performance/io-threads', options: [['normal-prio-threads', 1]], on: [locks] },
    ...(dispersed ? [indexLayer] : []),
    { name, type: 'debug/io-stats', options: [['unique-id', directory]], on: [dispersed ? index : threads] },
  ]
}

function server(brick: BrickProcess): Translator {
  const { address, port, exports, tls } = brick
  if (isIP(address) === 0) throw new Error(`a brick process listens on an address, not on ${JSON.stringify(address)}`)
  return {
    name: 'server',
    type: 'protocol/server',
    options: [
      ...connectionOptions(address, tls),
      ['transport.socket.listen-port', port],
      // It cannot read this one, which it takes by itself.
      ...(address === '::' ? [] : [['transport.socket.bind-address', address] as const]),
      ['transport.listen-backlog', 1024],
      ['transport.socket.keepalive', 1],
      ['auth-path', exports[0]!.name],
      ...(brick.tls ? brick.exports.map(certificateRule) : brick.exports.flatMap(loginRules)),
    ],
    on: exports.map(({ name }) => name),
  }
}

function loginRules({ name, logins }: { name: string; logins: readonly Login[] }): Option[] {
  return [
    [`auth.login.${name}.allow`, logins.map(({ user }) => plainName('the user of a login', user))],
    ...logins.map(({ user, password }) => [`auth.login.${user}.password`, password] as const),
  ]
}

function certificateRule({ name, holders }: { name: string; holders: readonly string[] }): Option {
  const beginnings = holders.map((holder) => plainName('the holder of a certificate', holder))
  return [`auth.login.${name}.ssl-allow`, { beginnings }]
}

/** One user has one password in the whole process. */
function requireDistinct(brick: BrickProcess): void {
  if (brick.exports.length === 0) throw new Error('a brick process has at least one export')
  const users = brick.tls ? [] : brick.exports.flatMap(({ logins }) => logins.map(({ user }) => user))
  for (const names of [brick.exports.map(({ name }) => name), users]) {
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw new Error(`${twice} is there twice in one brick process`)
  }
  if (brick.exports.some(({ name }) => name === 'server')) throw new Error('no export can be called server')
}
