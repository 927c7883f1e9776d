import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { destinationFull } from '../../../../../src/agent/host/staging/messages.js'
import { userErrorIn } from '../../../../../src/agent/host/staging/errors.js'

/** As programs say it in the C locale. */
function said(name: string): string {
  const glibc = execFileSync('python3', ['-c', `import errno, os; print(os.strerror(errno.${name}), end='')`], {
    encoding: 'utf8',
    env: { LC_ALL: 'C' },
  })
  return `stat: cannot statx '/home/alice/x': ${glibc}`
}

describe('what a program said when it failed for a user', () => {
  it('is the user’s to mend where no second try would help', () => {
    const told = "mkdir: cannot create directory '/home/alice/locked/x': Permission denied"
    expect(userErrorIn(`some warning\n${told}\n`)).to.equal(told)
    expect(userErrorIn('dd: error writing a: No space left on device')).to.contain('No space')
    expect(userErrorIn('dd: error writing a: Disk quota exceeded')).to.contain('quota')
  })

  for (const name of ['ENOENT', 'EPERM', 'EACCES', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'ELOOP', 'ENAMETOOLONG'])
    it(`ends the attempt with ${name}`, () => expect(userErrorIn(said(name))).to.equal(said(name)))
  for (const name of ['E2BIG', 'EFBIG', 'EMLINK', 'EROFS', 'ENXIO'])
    it(`ends the attempt with ${name}`, () => expect(userErrorIn(said(name))).to.equal(said(name)))
  for (const name of ['ENOSPC', 'EDQUOT'])
    it(`ends the attempt with ${name}, and says that the destination is full`, () =>
      expect(userErrorIn(said(name))).to.equal(destinationFull(said(name))))

  const away = ['EIO', 'ENOTCONN', 'ESHUTDOWN', 'ESTALE', 'ETIMEDOUT', 'ECONNREFUSED', 'EHOSTUNREACH', 'EHOSTDOWN']
  for (const name of [...away, 'ECONNABORTED', 'EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'EINTR', 'EBUSY', 'ENODEV'])
    it(`is tried again with ${name}`, () => expect(userErrorIn(said(name))).to.equal(undefined))

  it('is tried again where nothing is known', () => {
    for (const told of ['', 'something odd', 'constructor', 'x: toString'])
      expect(userErrorIn(told)).to.equal(undefined)
  })

  it('is read with the number that rsync puts behind it', () => {
    const told = 'rsync: [Receiver] change_dir#1 "/home/bob/x" failed: Permission denied (13)'
    expect(userErrorIn(`${told}\nrsync error: errors selecting input/output files, dirs (code 3) at main.c`)).to.equal(
      told,
    )
  })
})
