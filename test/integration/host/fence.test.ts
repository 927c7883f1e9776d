import { expect } from 'chai'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { until } from '../../../lab/common/until.js'
import { Fence, fenceTable } from '../../../src/agent/host/dataplane/direct/fence.js'
import { listeningIn } from '../../../src/agent/host/dataplane/direct/listening.js'
import * as messages from '../../../src/agent/host/dataplane/direct/messages.js'
import { unclaimed } from '../../../src/scheduler/dataplane/direct/index.js'
import { type Run, runCommand } from '../../../src/agent/host/exec/run.js'
import { silentLog } from '../../../src/daemon/log.js'
import { HandClock } from '../../support/handClock.js'

const nobody = 65534
const storage = { v4: '10.9.0.1', v6: 'fd09::1' }
const [c1, c2, c1v6, c2v6] = ['10.9.0.11', '10.9.0.12', 'fd09::11', 'fd09::12'] as const
/** Sends back whatever comes. */
const echo = `process.title = 'glusterfsd'; require('node:net').createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(+process.argv[1], '::', () => console.log('listens'))`
/** Says when it is connected, sends each line that it is told, says what comes back, and how it ends. */
const talk = `
const [port, host, localAddress] = process.argv.slice(1)
const socket = require('node:net').connect({ port: +port, host, ...(localAddress ? { localAddress } : {}) })
socket.on('connect', () => console.log('connected')).on('data', (data) => console.log(String(data).trim()))
socket.on('error', ({ code }) => console.log(code)).on('close', () => process.exit())
process.stdin.on('data', (data) => socket.write(data))`

/** In networks of their own, a storage host's and one with the addresses of two clients: the machine's are never touched. */
describe('the fence of a storage host (root, nftables)', function () {
  this.timeout(60_000)
  const networks: ChildProcess[] = []
  const programs: ChildProcess[] = []
  let run: Run
  let problems: (string | undefined)[]
  let clock: HandClock
  let fence: Fence
  let written: string[]

  before(async function () {
    if (process.getuid?.() !== 0) this.skip()
    for (let made = 0; made < 2; made++) {
      const network = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up && echo up && exec sleep 1000'])
      networks.push(network)
      await once(network.stdout, 'data')
    }
    run = (argv, options) => {
      if (argv.includes('-f')) written.push(options.stdin!)
      return runCommand(['nsenter', '--net', '--target', pidOf(0), ...argv], options)
    }
    const link = ['ip', 'link', 'add', 'inside', 'type', 'veth', 'peer', 'name', 'outside', 'netns', pidOf(1)] as const
    written = []
    const made = await run(link, { timeoutMs: 5_000 })
    const nft = await run(['nft', 'list', 'tables'], { timeoutMs: 5_000 }).catch(() => ({ code: 1 }))
    if (made.code !== 0 || nft.code !== 0) this.skip()
    await address(0, 'inside', [`${storage.v4}/24`, `${storage.v6}/64`])
    await address(1, 'outside', [`${c1}/24`, `${c2}/24`, `${c1v6}/64`, `${c2v6}/64`])
  })
  after(() => networks.forEach((network) => network.kill('SIGKILL')))
  beforeEach(() => open())
  afterEach(async () => {
    fence?.close()
    programs.splice(0).forEach((program) => program.kill('SIGKILL'))
    await run(['nft', 'flush', 'ruleset'], { timeoutMs: 5_000 })
  })

  const pidOf = (network: number) => String(networks[network]!.pid)
  async function address(network: number, link: string, addresses: string[]): Promise<void> {
    const commands = addresses.map((each) => `ip address add ${each} dev ${link}${each.includes(':') ? ' nodad' : ''}`)
    const argv = ['nsenter', '--net', '--target', pidOf(network), 'sh', '-c'] as const
    const all = [...commands, `ip link set ${link} up`].join(' && ')
    expect(await runCommand([...argv, all], { timeoutMs: 5_000 })).to.include({ code: 0, stderr: '' })
  }
  async function open(enabled = true): Promise<void> {
    fence?.close()
    problems = []
    written = []
    clock = new HandClock()
    const tables = ['cat', '/proc/self/net/tcp', '/proc/self/net/tcp6'] as const
    const listening = async () =>
      new Set(listeningIn((await run(tables, { timeoutMs: 5_000 })).stdout).map(({ port }) => port))
    fence = new Fence({
      enabled,
      run,
      listening,
      clock,
      log: silentLog,
      onProblem: (problem) => problems.push(problem),
    })
    await fence.start()
  }
  const nft = async (...words: string[]) => (await run(['nft', ...words], { timeoutMs: 5_000 })).stdout
  /** Its lines in some order: what is changed lists in another order than what is made anew. */
  const lines = async () => (await nft('list', 'table', 'inet', fenceTable)).split('\n').sort()

  function start(network: number, argv: string[]): ChildProcess {
    const program = spawn('nsenter', ['--net', '--target', pidOf(network), ...argv])
    programs.push(program)
    return program
  }
  const user = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups']
  async function serve(port: number, as: string[] = []): Promise<ChildProcess> {
    const program = start(0, [...as, process.execPath, '-e', echo, String(port)])
    await once(program.stdout!, 'data')
    return program
  }
  /** A connection: what its client said last, and how to let it send. */
  class Client {
    readonly said: string[] = []
    private readonly program: ChildProcess
    constructor(network: number, port: number, host: string, from = '', as: string[] = []) {
      this.program = start(network, [...as, process.execPath, '-e', talk, String(port), host, from])
      createInterface({ input: this.program.stdout! }).on('line', (line) => this.said.push(line))
    }
    async says(word: string): Promise<void> {
      await until({ what: `a client says ${word}, after ${this.said.join()}` }, () =>
        Promise.resolve(this.said.includes(word)),
      )
    }
    send(word: string): void {
      this.program.stdin!.write(`${word}\n`)
    }
    async outcome(): Promise<string> {
      await until({ what: 'a client is connected or refused' }, () => Promise.resolve(this.said.length > 0))
      return this.said[0]!
    }
  }
  /** So many connections of that network were begun twice, and nothing has come back. */
  async function unanswered(network: number, count: number): Promise<void> {
    const argv = [
      'nsenter',
      '--net',
      '--target',
      pidOf(network),
      'cat',
      '/proc/self/net/tcp',
      '/proc/self/net/tcp6',
    ] as const
    await until({ what: `${count} connections are begun again` }, async () => {
      const { stdout } = await runCommand(argv, { timeoutMs: 5_000 })
      return stdout.split('\n').filter((line) => / 02 [0-9A-F:]+ [0-9A-F:]+ 0000000[1-9] /.test(line)).length === count
    })
  }
  const connect = (port: number, from: string) =>
    new Client(1, port, from.includes(':') ? storage.v6 : storage.v4, from).outcome()
  /** Of both clients, by both versions. */
  const outcomes = (port: number) => Promise.all([c1, c2, c1v6, c2v6].map((from) => connect(port, from)))
  const refused = 'ECONNREFUSED'

  it('lets in a volume’s clients at its ports, refuses everybody else at once, and leaves other ports alone', async () => {
    await fence.admit('7', { ports: [50_001, 50_002], clients: [c1, c1v6] })
    await fence.admit('8-2', { ports: [50_003], clients: [c2] })
    for (const port of [50_001, 50_002, 50_003, 50_004]) await serve(port)
    for (const port of [50_001, 50_002])
      expect(await outcomes(port), String(port)).to.deep.equal(['connected', refused, 'connected', refused])
    expect(await outcomes(50_003)).to.deep.equal([refused, 'connected', refused, refused])
    expect(await outcomes(50_004)).to.deep.equal(['connected', 'connected', 'connected', 'connected'])
    expect(problems).to.deep.equal([])
  })

  it('lets only root of the host itself connect from within', async () => {
    await fence.admit('7', { ports: [50_001], clients: [] })
    await serve(50_001)
    for (const host of [storage.v4, '127.0.0.1', '::1']) {
      expect(await new Client(0, 50_001, host).outcome(), host).to.equal('connected')
      expect(await new Client(0, 50_001, host, '', user).outcome(), host).to.equal(refused)
    }
  })

  it('lets nobody connect to a user’s program that took a brick’s port, and to the brick again after it', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1, c1v6] })
    const taken = await serve(50_001, user)
    const silent = [
      new Client(1, 50_001, storage.v4, c1),
      new Client(1, 50_001, storage.v6, c1v6),
      new Client(0, 50_001, '127.0.0.1'),
    ]
    for (const client of silent) client.send('password')
    await unanswered(0, 1)
    await unanswered(1, 2)
    expect(silent.flatMap(({ said }) => said)).to.deep.equal([])
    const ended = once(taken, 'exit')
    taken.kill('SIGKILL')
    await ended
    await serve(50_001)
    expect(await connect(50_001, c1)).to.equal('connected')
  })

  it('lets no user’s program begin a connection from a brick’s port', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    const listener = start(1, [process.execPath, '-e', echo, '50009'])
    await once(listener.stdout!, 'data')
    const begin = `require('node:net').connect({ port: 50009, host: '${c1}', localPort: 50001 }).on('connect', () => console.log('connected'))`
    const begun = start(0, [...user, process.execPath, '-e', begin])
    await unanswered(0, 1)
    const ended = once(begun, 'exit')
    begun.kill('SIGKILL')
    await ended
    const [said] = (await once(start(0, [process.execPath, '-e', begin]).stdout!, 'data')) as [Buffer]
    expect(String(said).trim()).to.equal('connected')
  })

  it('cuts the connection of a client that is taken out, at both ends, and of nobody else', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1, c2] })
    await serve(50_001)
    const [stays, goes] = [c2, c1].map((from) => new Client(1, 50_001, storage.v4, from)) as [Client, Client]
    for (const client of [stays, goes]) {
      client.send('first')
      await client.says('first')
    }
    await fence.admit('7', { ports: [50_001], clients: [c2] })
    goes.send('second')
    await goes.says('ECONNRESET')
    expect(goes.said).to.not.include('second')
    stays.send('second')
    await stays.says('second')
    expect(await connect(50_001, c1)).to.equal(refused)
  })

  it('sends nothing more to a client that is taken out, which ends the brick’s end of it', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    // It sends by itself, as long as it is let.
    const sender = `require('node:net').createServer((socket) => { const timer = setInterval(() => socket.write('more\\n'), 50); socket.on('error', ({ code }) => { clearInterval(timer); console.log(code) }) }).listen(50001, '::', () => console.log('listens'))`
    const program = start(0, [process.execPath, '-e', sender])
    const said: string[] = []
    createInterface({ input: program.stdout! }).on('line', (line) => said.push(line))
    const says = (word: string) => until({ what: `the brick says ${word}` }, () => Promise.resolve(said.includes(word)))
    await says('listens')
    const client = new Client(1, 50_001, storage.v4, c1)
    await client.says('more')
    await fence.admit('7', { ports: [50_001], clients: [] })
    await says('ECONNRESET')
  })

  it('is put back when somebody removes it, empties it, or flushes everything', async () => {
    const admission = { ports: [50_001], clients: [c1] }
    await fence.admit('7', admission)
    await serve(50_001)
    const whole = await lines()
    for (const change of [
      'flush ruleset',
      `delete table inet ${fenceTable}`,
      `flush chain inet ${fenceTable} input`,
      `flush map inet ${fenceTable} to_ports`,
      `flush set inet ${fenceTable} ip_7`,
      `add element inet ${fenceTable} ip_7 { ${c2} }`,
    ]) {
      await nft(...change.split(' '))
      clock.advance(2_000)
      expect(await fence.isAdmitted('7', admission), change).to.equal(false)
      await until({ what: `it is there again after ${change}` }, () => {
        clock.advance(10_000)
        return fence.isAdmitted('7', admission)
      })
      expect(await lines(), change).to.deep.equal(whole)
      expect(await connect(50_001, c2)).to.equal(refused)
    }
  })

  it('keeps what an earlier agent has admitted, until it is admitted or released again', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    await fence.admit('8', { ports: [50_002], clients: [c2, c2v6] })
    await fence.admit('9', { ports: [50_003], clients: [] })
    const whole = await lines()
    await open()
    expect(await fence.isAdmitted('8', { ports: [50_002], clients: [c2v6, c2] })).to.equal(true)
    expect(await lines()).to.deep.equal(whole)
    await fence.admit('7', { ports: [50_001], clients: [c2] })
    await fence.release('9')
    for (const port of [50_001, 50_002, 50_003]) await serve(port)
    expect(await outcomes(50_001)).to.deep.equal([refused, 'connected', refused, refused])
    expect(await outcomes(50_002)).to.deep.equal([refused, 'connected', refused, 'connected'])
    expect(await connect(50_003, c1)).to.equal('connected')
  })

  it('is rid of one volume that an operator takes out while the agent is stopped, and keeps the others', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    await fence.admit('8', { ports: [50_002, 50_003], clients: [c2] })
    fence.close()
    const served = { volume: '8', devices: [], ports: [...(await fence.admitted()).get('8')!.ports] }
    const words = /nft ([^']*)'([^']*)'/.exec(unclaimed.remove('gluster1', served))!
    await nft(...words[1]!.trim().split(' '), words[2]!)
    await open()
    expect([...(await fence.admitted()).keys()]).to.deep.equal(['7'])
    expect(await lines()).to.satisfy((all: string[]) => all.every((line) => !/50002|50003|_8/.test(line)))
    await serve(50_001)
    expect(await connect(50_001, c2)).to.equal(refused)
  })

  it('keeps the port of a brick closed until its process has ended', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    const brick = await serve(50_001)
    const released = await fence.release('7').catch((error: Error) => error.message)
    expect(released).to.equal(messages.portIsServed(50_001, '7'))
    expect(await connect(50_001, c2)).to.equal(refused)
    brick.kill('SIGKILL')
    await once(brick, 'exit')
    await fence.release('7')
    expect(await nft('list', 'tables')).to.equal('')
  })

  it('lets in a network, beside addresses, and cuts off what leaves it', async () => {
    await fence.admit('7', { ports: [50_001], clients: ['10.9.0.8/29', 'fd09::/64', c1] })
    await serve(50_001)
    expect(await outcomes(50_001)).to.deep.equal(['connected', 'connected', 'connected', 'connected'])
    const goes = new Client(1, 50_001, storage.v4, c2)
    goes.send('first')
    await goes.says('first')
    await open()
    expect(await fence.isAdmitted('7', { ports: [50_001], clients: ['10.9.0.8/29', 'fd09::/64'] })).to.equal(true)
    await fence.admit('7', { ports: [50_001], clients: ['10.9.0.8/30', '10.9.1.0/24', 'fd09::10/124'] })
    goes.send('second')
    await goes.says('ECONNRESET')
    expect(await outcomes(50_001)).to.deep.equal(['connected', refused, 'connected', 'connected'])
    expect(problems).to.deep.equal([])
  })

  it('changes what is another’s in no way, and is made anew when somebody has changed what it changes', async () => {
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    await fence.admit('8', { ports: [50_002], clients: [c1, c2] })
    for (const port of [50_001, 50_002]) await serve(port)
    const wholes = () => written.filter((text) => text.includes('delete table')).length
    expect(wholes()).to.equal(1)
    await fence.admit('7', { ports: [50_001], clients: [c2] })
    expect(written.at(-1)).to.contain(c1).and.contain(c2).and.not.contain('_8')
    expect(await outcomes(50_001)).to.deep.equal([refused, 'connected', refused, refused])
    await nft(...`delete element inet ${fenceTable} ip_7 { ${c2} }`.split(' '))
    await fence.admit('7', { ports: [50_001], clients: [c1] })
    expect(wholes()).to.equal(2)
    expect(await outcomes(50_001)).to.deep.equal(['connected', refused, refused, refused])
    expect(await outcomes(50_002)).to.deep.equal(['connected', 'connected', refused, refused])
    expect(await fence.isAdmitted('8', { ports: [50_002], clients: [c1, c2] })).to.equal(true)
  })

  it('notices a rule that was exchanged for another', async () => {
    const admission = { ports: [50_001], clients: [c1] }
    await fence.admit('6', { ports: [50_002], clients: [] })
    await fence.admit('7', admission)
    expect(await fence.isAdmitted('7', admission)).to.equal(true)
    await run(['nft', '-f', '-'], {
      timeoutMs: 5_000,
      stdin: `flush chain inet ${fenceTable} to_7\nadd rule inet ${fenceTable} to_7 accept\nadd rule inet ${fenceTable} to_7 accept\nadd rule inet ${fenceTable} to_7 accept\n`,
    })
    clock.advance(2_000)
    expect(await fence.isAdmitted('7', admission)).to.equal(false)
    await fence.admit('7', admission)
    await serve(50_001)
    expect(await outcomes(50_001)).to.deep.equal(['connected', refused, refused, refused])
  })

  it('takes 4,000 clients of 64 ports, and lets in the last of them at the last', async () => {
    const clients = Array.from({ length: 4_000 }, (_, at) => `10.9.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`)
    const ports = Array.from({ length: 64 }, (_, at) => 50_000 + at)
    await fence.admit('7', { ports, clients: [...clients, c1v6, c1] })
    expect(await fence.isAdmitted('7', { ports, clients: [c1, c1v6, ...clients] })).to.equal(true)
    await serve(50_063)
    expect(await outcomes(50_063)).to.deep.equal(['connected', refused, 'connected', refused])
    expect((await nft('list', 'set', 'inet', fenceTable, 'ip_7')).match(/10\.9\./g)).to.have.length(4_001)
    // One element for each client, not for each pair of port and client: that is what keeps it fast.
    expect((await nft('list', 'table', 'inet', fenceTable)).length).to.be.below(120_000)
  })

  it('touches no other table, and goes where it is off, which is told', async () => {
    await nft('add', 'table', 'inet', 'sites_own')
    await fence.admit('7', { ports: [50_001], clients: [] })
    await open(false)
    expect((await nft('list', 'tables')).trim()).to.equal('table inet sites_own')
    expect(problems).to.deep.equal([messages.fenceIsOff()])
    await serve(50_001)
    expect(await connect(50_001, c2)).to.equal('connected')
  })
})
