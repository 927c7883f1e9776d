import { expect } from 'chai'
import { Fence } from '../../../../../../src/agent/host/dataplane/direct/fence.js'
import * as messages from '../../../../../../src/agent/host/dataplane/direct/messages.js'
import { notAnAddress } from '../../../../../../src/agent/host/nftables/messages.js'
import { CommandError, type Run } from '../../../../../../src/agent/host/exec/run.js'
import { silentLog } from '../../../../../../src/daemon/log.js'
import { HandClock } from '../../../../../support/handClock.js'

/** nft that takes whole tables and lists what it took, and ss. */
class FakeTools {
  table: string | undefined
  listening: number[] = []
  refuses = false
  readonly commands: string[] = []
  /** What it lists of a table in place of that. */
  listed: string | undefined
  /** As many rules as were written, less those that somebody has taken away before they were listed. */
  lost = 0
  private listing(table: string): string {
    if (this.listed !== undefined) return this.listed
    const found: object[] = []
    for (const [, kind, name, body] of table.matchAll(/^ {2}(set|map|chain) (\S+) \{\n((?: {4}.*\n)*)/gm)) {
      const lines = body!.split('\n').filter((line) => line !== '' && !line.startsWith('    type '))
      const elements = /elements = \{ (.*) \}/.exec(body!)?.[1]?.split(', ') ?? []
      found.push({ [kind!]: { name, ...(kind === 'chain' ? {} : { elem: elements }) } })
      if (kind === 'chain') for (const line of lines.slice(this.lost)) found.push({ rule: { chain: name, line } })
    }
    this.lost = 0
    return JSON.stringify({ nftables: found })
  }
  readonly run: Run = (argv, { stdin }) => {
    this.commands.push(argv.join(' '))
    if (argv[0] === 'ss')
      return answer(
        this.listening
          .map((port) => `LISTEN 0 128 0.0.0.0:${port} 0.0.0.0:* users:(("glusterfsd",pid=7,fd=8))`)
          .join('\n'),
      )
    if ((argv.includes('list') || argv.includes('delete')) && this.table === undefined)
      return answer('', 1, 'Error: No such file or directory')
    if (argv.includes('list')) return answer(this.listing(this.table!))
    if (argv.includes('delete')) this.table = undefined
    else if (this.refuses || !stdin!.includes('\ndelete table ')) return answer('', 1, 'Error: syntax error')
    else this.table = stdin
    return answer('')
  }
}

const answer = (stdout: string, code = 0, stderr = '') => Promise.resolve({ code, stdout, stderr })
const refusal = (action: Promise<unknown>) =>
  action.then(
    () => 'not refused',
    (error: Error) => error.message,
  )

describe('the fence of a storage host', () => {
  let tools: FakeTools
  let clock: HandClock
  let problems: (string | undefined)[]
  const open = async (parts: { enabled?: boolean; run?: Run } = {}) => {
    problems = []
    clock = new HandClock()
    const listening = () => Promise.resolve(new Set(tools.listening))
    const options = { enabled: true, run: tools.run, listening, clock, log: silentLog, ...parts }
    const fence = new Fence({ ...options, onProblem: (problem) => problems.push(problem) })
    await fence.start()
    return fence
  }
  beforeEach(() => (tools = new FakeTools()))
  const seven = { ports: [50_001], clients: ['10.0.0.1'] }

  it('admits what it was asked to, and then says so, in whatever order it is asked', async () => {
    const fence = await open()
    const two = { ports: [50_002, 50_001], clients: ['10.0.0.2', '10.0.0.1'] }
    expect(await fence.isAdmitted('7', two)).to.equal(false)
    await fence.admit('7', two)
    expect(tools.table).to.contain('50001 : goto to_7, 50002 : goto to_7')
    expect(await fence.isAdmitted('7', { ports: [50_001, 50_002], clients: ['10.0.0.1', '10.0.0.2'] })).to.equal(true)
    expect(await fence.isAdmitted('7', seven)).to.equal(false)
    expect(await fence.isAdmitted('8', two)).to.equal(false)
  })

  it('does not say so while somebody has changed the table, but for a table that was seen two seconds ago', async () => {
    const fence = await open()
    await fence.admit('7', seven)
    const commands = tools.commands.length
    clock.advance(1_999)
    expect(await fence.isAdmitted('7', seven)).to.equal(true)
    expect(tools.commands).to.have.length(commands)
    tools.table = tools.table?.replace('elements = { 10.0.0.1 }', 'elements = { 10.0.0.1, 10.0.0.2 }')
    clock.advance(1)
    expect(await fence.isAdmitted('7', seven)).to.equal(false)
  })

  it('does not say so of what nft has refused, though the table is as it was last written', async () => {
    const fence = await open()
    await fence.admit('6', { ports: [50_002], clients: [] })
    tools.refuses = true
    expect(await refusal(fence.admit('7', seven))).to.contain('syntax error')
    expect(await fence.isAdmitted('7', seven)).to.equal(false)
    clock.advance(2_000)
    expect(await fence.isAdmitted('7', seven)).to.equal(false)
    expect(await fence.isAdmitted('6', { ports: [50_002], clients: [] })).to.equal(true)
  })

  it('asks who listens only while somebody does', async () => {
    const fence = await open()
    await fence.admit('7', seven)
    await fence.release('7')
    expect(tools.commands.filter((command) => command.startsWith('ss'))).to.deep.equal([])
  })

  it('writes nothing where nothing is new', async () => {
    const fence = await open()
    await fence.admit('7', seven)
    await fence.admit('7', seven)
    expect(tools.commands.filter((command) => command.includes('-f'))).to.have.length(1)
  })

  it('writes again what somebody has emptied before it was listed', async () => {
    const fence = await open()
    tools.lost = 1
    await fence.admit('7', seven)
    expect(tools.commands.filter((command) => command.includes('-f'))).to.have.length(2)
    expect(await fence.isAdmitted('7', seven)).to.equal(true)
  })

  it('keeps a port that leaves closed while somebody listens on it', async () => {
    const fence = await open()
    await fence.admit('7', { ...seven, ports: [50_001, 50_002] })
    tools.listening = [22, 50_002]
    for (const action of [fence.admit('7', seven), fence.release('7')])
      expect(await refusal(action)).to.equal(messages.portIsServed(50_002, '7'))
    expect(tools.table).to.contain('50002 : goto to_7')
    tools.listening = [22, 50_001]
    await fence.admit('7', seven)
    expect(tools.table).to.not.contain('50002')
    tools.listening = []
    await fence.release('7')
    expect([tools.table, await fence.isLeft('7')]).to.deep.equal([undefined, false])
  })

  it('gives a port that nobody listens on to the volume that asks for it now', async () => {
    const fence = await open()
    await fence.admit('6', { ports: [50_001, 50_002], clients: ['10.0.0.9'] })
    tools.listening = [50_001]
    expect(await refusal(fence.admit('7', seven))).to.equal(messages.portIsServed(50_001, '6'))
    tools.listening = []
    await fence.admit('7', seven)
    expect(tools.table).to.contain('50001 : goto to_7, 50002 : goto to_6')
  })

  it('refuses what is not a port, an address or a volume, and changes nothing', async () => {
    const fence = await open()
    for (const port of [0, -1, 65_536, 1.5, NaN])
      expect(await refusal(fence.admit('7', { ...seven, ports: [port] }))).to.equal(messages.notAPort(port))
    for (const name of ['', 'a b', 'a}', '../x'])
      expect(await refusal(fence.admit(name, seven))).to.equal(messages.notAVolume(name))
    const zone = 'fe80::1%eth0'
    expect(await refusal(fence.admit('7', { ...seven, clients: [zone] }))).to.equal(notAnAddress(zone))
    expect([tools.table, await fence.isLeft('7')]).to.deep.equal([undefined, false])
  })

  it('admits the others where the name of one is not found, and says which', async () => {
    const fence = await open()
    await fence.admit('7', { ...seven, clients: ['10.0.0.1', 'no-such-host.invalid', 'localhost'] })
    expect(tools.table).to.contain('elements = { 10.0.0.1, 127.0.0.1 }')
    expect(problems).to.deep.equal([messages.clientsNotFound(['no-such-host.invalid'])])
  })

  it('keeps for ten minutes whom an earlier agent let in while a name means nothing to this one, and no longer', async () => {
    await (await open()).admit('7', { ...seven, clients: ['10.0.0.7'] })
    const fence = await open()
    await fence.admit('7', { ...seven, clients: ['10.0.0.1', 'no-such-host.invalid'] })
    expect(tools.table).to.contain('elements = { 10.0.0.1, 10.0.0.7 }')
    clock.advance(601_000)
    await fence.admit('8', { ports: [50_002], clients: ['10.0.0.2'] })
    expect(tools.table).to.contain('elements = { 10.0.0.1 }')
    expect(tools.table).to.not.contain('10.0.0.7')
  })

  it('knows those clients alone whose names are found, whatever an earlier agent let in', async () => {
    await (await open()).admit('7', { ...seven, clients: ['10.0.0.7'] })
    const fence = await open()
    await fence.admit('7', { ...seven, clients: ['10.0.0.1', 'localhost'] })
    expect(tools.table).to.not.contain('10.0.0.7')
  })

  for (const listed of ['{"nftables": [{"set": {"na', '{"nftables": [{"set": {"name": 7}}]}', '']) {
    it(`keeps a table that lists as ${JSON.stringify(listed)} until a volume is admitted, and then replaces it`, async () => {
      tools.table = 'of another release'
      tools.listed = listed
      const fence = await open()
      expect([tools.table, problems]).to.deep.equal(['of another release', []])
      expect(await fence.isAdmitted('7', seven)).to.equal(false)
      tools.listed = undefined
      await fence.admit('7', seven)
      expect(tools.table).to.contain('50001 : goto to_7')
      expect(await fence.isAdmitted('7', seven)).to.equal(true)
      await fence.release('7')
      expect(tools.table).to.equal(undefined)
    })
  }

  it('says what nft refuses, to the caller and to operators, and admits when it takes it', async () => {
    const fence = await open()
    tools.refuses = true
    expect(await refusal(fence.admit('7', seven))).to.contain('syntax error')
    expect(problems.join()).to.contain('syntax error')
    expect(await fence.isAdmitted('7', seven)).to.equal(false)
    tools.refuses = false
    await fence.admit('7', seven)
    expect(problems.at(-1)).to.equal(undefined)
  })

  it('says that nftables has to be installed only where it is needed', async () => {
    const cause = Object.assign(new Error('spawn nft ENOENT'), { code: 'ENOENT' })
    const failed = { code: null, signal: null, stderr: cause.message, timedOut: false }
    const run: Run = (argv) => Promise.reject(new CommandError(argv, failed, { cause }))
    const fence = await open({ run })
    expect(problems).to.deep.equal([])
    expect(await refusal(fence.admit('7', seven))).to.contain('install the package nftables')
  })

  it('removes its table where it is off, admits everything, and tells that as a problem', async () => {
    await (await open()).admit('7', seven)
    const fence = await open({ enabled: false })
    expect([tools.table, problems]).to.deep.equal([undefined, [messages.fenceIsOff()]])
    await fence.admit('7', seven)
    expect([tools.table, await fence.isAdmitted('7', seven), await fence.isLeft('7')]).to.deep.equal([
      undefined,
      true,
      false,
    ])
  })
})
