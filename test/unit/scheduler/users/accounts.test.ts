import { expect } from 'chai'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { until } from '../../../../lab/common/until.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { systemAccounts } from '../../../../src/scheduler/users/accounts.js'
import { problemWithCreator } from '../../../../src/scheduler/users/permissions.js'
import { NameServiceUnavailable } from '../../../../src/scheduler/users/nameService.js'
import { pool, terabyte } from '../../../support/builders.js'
import { HandClock } from '../../../support/handClock.js'

const nobody = 3_999_999_999
const inPool = (rights: object) => ({ name: pool, granularityBytes: terabyte, isDefault: true, ...rights })

describe('the name service of this host', () => {
  const accounts = () => systemAccounts(new HandClock(), silentLog)
  const { uid, gid, username } = userInfo()

  it('knows the user of this process, with name, group and groups', async () => {
    expect(await accounts().lookUp(uid)).to.deep.equal({ name: username, gid })
    expect(await accounts().groupsOf(uid)).to.include(gid)
  })

  it('knows a group by name, and says that there is none', async () => {
    expect(await accounts().groupId('root')).to.equal(0)
    for (const name of ['no-such-group', '', 'a\nb', 'a\0b', 'g'.repeat(200_000)])
      expect(await accounts().groupId(name), name.slice(0, 20)).to.equal(undefined)
  })

  it('says that there is no such user', async () => {
    const found = accounts()
    expect(await found.lookUp(nobody)).to.equal(undefined)
    expect(await found.groupsOf(nobody)).to.deep.equal([])
    expect(found.problem()).to.equal(undefined)
  })

  it('lets a user create whom the pool names, who was never looked up before', async () => {
    expect(await problemWithCreator(accounts(), inPool({ persistentUsers: [username] }), uid)).to.equal(undefined)
    expect(await problemWithCreator(accounts(), inPool({ persistentUsers: ['somebody'] }), uid)).to.match(/may not/)
    expect(await problemWithCreator(accounts(), inPool({ persistentUsers: [username] }), nobody)).to.match(/may not/)
  })

  it('learns the names that are shown', async () => {
    const found = accounts()
    expect(found.userName(uid)).to.equal(String(uid))
    found.learn([nobody, uid])
    await until({ what: 'the name' }, async () => found.userName(uid) === username)
    expect(found.userName(nobody)).to.equal(String(nobody))
  })
})

describe('a name service', () => {
  let directory: string
  let clock: HandClock
  let accounts: ReturnType<typeof systemAccounts>
  const path = process.env['PATH']

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bb-getent-'))
    process.env['PATH'] = `${directory}:${path}`
    clock = new HandClock()
    accounts = systemAccounts(clock, silentLog)
  })
  afterEach(() => {
    process.env['PATH'] = path
    rmSync(directory, { recursive: true, force: true })
  })

  /** A `getent` that notes how it was called, and then does this. */
  const getent = (script: string) => {
    const file = join(directory, 'getent')
    writeFileSync(file, `#!/bin/sh\necho "$*" >>${directory}/calls\n${script}\n`)
    chmodSync(file, 0o755)
  }
  const calls = () => {
    try {
      return readFileSync(join(directory, 'calls'), 'utf8').split('\n').slice(0, -1)
    } catch {
      return []
    }
  }
  const answers = 'echo "user$3:x:$3:500::/:"'
  const failure = async (promise: Promise<unknown>) => {
    const error = await promise.catch((error: unknown) => error)
    expect(error).to.be.instanceOf(NameServiceUnavailable)
    return String(error)
  }

  it('is asked once by callers that come together, and again when a minute has passed', async () => {
    getent(answers)
    const both = await Promise.all([accounts.lookUp(7), accounts.lookUp(7)])
    expect(both).to.deep.equal([
      { name: 'user7', gid: 500 },
      { name: 'user7', gid: 500 },
    ])
    clock.advance(59_000)
    await accounts.lookUp(7)
    expect(calls()).to.deep.equal(['passwd -- 7'])
    clock.advance(2_000)
    await accounts.lookUp(7)
    expect(calls()).to.have.length(2)
  })

  it('is asked again about a user that it did not know, after ten seconds', async () => {
    getent('exit 2')
    expect(await accounts.lookUp(7)).to.equal(undefined)
    expect(await accounts.lookUp(7)).to.equal(undefined)
    expect(calls()).to.have.length(1)
    getent(answers)
    clock.advance(10_000)
    expect(await accounts.lookUp(7)).to.have.property('name', 'user7')
  })

  it('that fails has not said that there is no such user', async () => {
    getent('echo "connection refused" >&2; exit 3')
    expect(await failure(accounts.lookUp(7))).to.contain('connection refused')
    expect(await failure(accounts.groupsOf(7))).to.contain('connection refused')
    expect(await failure(accounts.groupId('project'))).to.contain('getent group -- project')
    expect(accounts.problem()).to.contain('connection refused')
    getent(answers)
    expect(await accounts.lookUp(7)).to.have.property('name', 'user7')
    expect(accounts.problem()).to.equal(undefined)
  })

  it('that fails to name the groups of a user whom it knows has not said that there are none', async () => {
    getent('echo "no-such-user-here:x:7:500::/:"')
    expect(await failure(accounts.groupsOf(7))).to.contain('no-such-user-here')
  })

  it('is not waited for when it hangs, and has at most four programs at once', async () => {
    getent('exec sleep 1000')
    const asked = Promise.all([1, 2, 3, 4, 5, 6, 7, 8, 9].map((uid) => failure(accounts.lookUp(uid))))
    await until({ what: 'four programs' }, async () => calls().length === 4)
    clock.advance(3_000)
    expect((await asked).at(-1)).to.contain('timed out after 3 s')
    expect(calls()).to.have.length(4)
    getent(answers)
    // Those that hung are killed, and their places are free again.
    await until({ what: 'an answer' }, async () =>
      accounts.lookUp(1).then(
        () => true,
        () => (clock.advance(3_000), false),
      ),
    )
  })

  it('is asked for names to show by one program at a time, and not for all of them while it fails', async () => {
    getent('exit 3')
    accounts.learn([1, 2, 3])
    await until({ what: 'a problem' }, async () => accounts.problem() !== undefined)
    accounts.learn([4])
    expect(calls()).to.deep.equal(['passwd -- 1'])
    getent(`test $3 = 2 && exit 2; ${answers}`)
    clock.advance(10_000)
    await until({ what: 'the names' }, async () => accounts.userName(4) === 'user4')
    const asked = calls().length
    accounts.learn([1, 2, 3, 4])
    clock.advance(60_000)
    accounts.learn([1, 2, 3, 4])
    expect(calls()).to.have.length(asked)
  })
})
