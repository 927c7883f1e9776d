import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { anotherAgent } from '../../src/agent/messages.js'
import type { BufferDetail } from '../../src/model/api.js'
import { untilDevice } from '../support/bricks.js'
import { DeadlyPrograms, withAgentsKept } from '../support/deadlyPrograms.js'
import {
  brickProcessesOf,
  leftOfDirect,
  type SeenProcess,
  serveWith,
  untilPeersConnected,
} from '../support/directPlane.js'
import { expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { buffersOf, must, untilPhase } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

const servers = ['gluster1', 'gluster2', 'gluster3']
const hosts = [...servers, 'c1', 'c2']
const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=3TB'

describe('a job on a buffer that the agents serve, when its parts fail', function () {
  this.timeout(labTestMs)
  let job: string
  let bricks: { host: string; device: string }[]
  const lab = useFaultsLab({
    before: async () => {
      await serveWith(lab, 'direct')
      await must(lab, 'head', 'rm -rf ~alice/writer && su alice -c "mkdir ~/writer"')
      job = await slurm.submit('alice', '#SBATCH --nodelist=c1', jobdw, ...writer)
      await slurm.untilJob(job, /JobState=RUNNING/)
      await untilItWrites()
      bricks = (await shown()).brickList
    },
    after: () => serveWith(lab, 'glusterd'),
  })
  const slurm = new SlurmAt(lab)
  const bbctl = (words: string) => must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js ${words}`)
  const shown = async () => JSON.parse(await bbctl(`show ${job} --json`)) as BufferDetail

  it('has a brick on every storage host', async () => {
    expect(bricks.map(({ host }) => host).sort()).to.deep.equal(servers)
    for (const host of servers) expect(await brickProcessesOf(lab, host), host).to.have.length(1)
  })

  it('a brick is killed: it is served again on its port, and the job writes on', async () => {
    const killed = await theBrickOf('gluster1')
    await must(lab, 'gluster1', `kill -9 ${killed.pid}`)
    await untilServedAnew(killed)
    await untilItWrites()
    await untilPhase(lab, job, 'ready')
  })

  it('a brick hangs: it is shown, and then ended and served again on its port; the job writes on', async () => {
    const hung = await theBrickOf('gluster2')
    await must(lab, 'gluster2', `kill -STOP ${hung.pid}`)
    await untilPhase(lab, job, 'degraded')
    await untilServedAnew(hung)
    expect(await must(lab, 'gluster2', `grep 'stop process ${hung.pid} ' /var/log/agent.out`)).to.contain('which hangs')
    await untilItWrites()
    await untilPhase(lab, job, 'ready')
  })

  it('its client is killed: the buffer is mounted again at its place, and the job writes on', async () => {
    const client = () => lab.exec('c1', ['pgrep', '-f', `volfile-id=${job}[.]`])
    const killed = (await client()).stdout.trim()
    await must(lab, 'c1', `kill -9 ${killed}`)
    const seen = async () => JSON.stringify((await shown()).mounts)
    await until({ what: 'another client', deadlineMs: 150_000, seen }, async () => {
      const now = (await client()).stdout.trim()
      return now !== '' && now !== killed
    })
    await untilItWrites()
    expect(await must(lab, 'head', 'cat ~alice/writer/errors')).to.contain('ENOTCONN')
  })

  it('a client is killed while a process of its job is in the buffer: it is named, sees its calls fail, and all ends with the job', async () => {
    const lines = ['#SBATCH --nodelist=c2', '#DW jobdw type=scratch access_mode=striped capacity=1TB']
    const stay = 'cd $DW_JOB_STRIPED && touch ~/writer/in && until stat x 2>&1 | tee ~/writer/seen | grep -q endpoint'
    const other = await slurm.submit('alice', ...lines, `${stay}; do sleep 0.2; done; sleep 900`)
    await until({ what: 'it is in its buffer' }, async () => {
      return (await lab.exec('head', ['test', '-e', '/home/alice/writer/in'])).code === 0
    })
    await must(lab, 'c2', `kill -9 $(pgrep -f 'volfile-id=${other}[.]')`)
    const problem = async () => {
      const { mounts } = JSON.parse(await bbctl(`show ${other} --json`)) as BufferDetail
      return mounts.map(({ problem }) => problem ?? '').join()
    }
    await until({ what: 'what is in it is named', deadlineMs: 60_000, seen: problem }, async () => {
      return /cannot be unmounted.* process [0-9]+ \(.*\) of uid 20001/.test(await problem())
    })
    expect(await must(lab, 'head', 'cat ~alice/writer/seen')).to.contain('Transport endpoint is not connected')
    await lab.exec('head', ['scancel', other])
    await until({ what: `${other} is gone`, deadlineMs: 120_000 }, async () => {
      return (await buffersOf(lab)).every(({ name }) => name !== other)
    })
    expect(await leftOfDirect(lab, 'c2')).to.equal('')
  })

  it('a storage host is cut off: others make and remove a buffer meanwhile, and the job writes on when it is healed', async () => {
    await lab.cut('gluster2')
    try {
      await untilPhase(lab, job, 'degraded')
      await bbctl('create beside --capacity 2TB --user 20001')
      const beside = JSON.parse(await bbctl('show beside --json')) as BufferDetail
      expect(beside.brickList.map(({ host }) => host))
        .to.have.length(2)
        .and.not.include('gluster2')
      await bbctl('destroy beside')
      expect((await buffersOf(lab)).map(({ name }) => name)).to.not.include('beside')
      for (const { host, device } of beside.brickList) await untilDevice(lab, host, device, 'blank')
    } finally {
      await lab.heal('gluster2')
    }
    await untilPhase(lab, job, 'ready')
    await untilItWrites()
  })

  it('a storage host is rebooted: the same brick is served on the same port, and the job writes on', async () => {
    const before = await theBrickOf('gluster3')
    const uuid = await uuidOf(before)
    await lab.kill('gluster3')
    await lab.start('gluster3')
    await untilServedAnew(before)
    const after = await theBrickOf('gluster3')
    expect({ port: after.port, uuid: await uuidOf(after) }).to.deep.equal({ port: before.port, uuid })
    await untilPhase(lab, job, 'ready')
    await untilItWrites()
  })

  it('a second agent does not begin on a host that has one', async () => {
    const { code, stderr } = await lab.exec('gluster1', [
      ...['timeout', '20'],
      'node',
      '/opt/burstbuffer/dist/agent/main.js',
      ...['--config', '/etc/burstbuffer/agent.yaml'],
    ])
    expect(code).to.equal(1)
    const pid = Number(/ as process ([0-9]+)/.exec(stderr)?.[1])
    expect(stderr).to.contain(anotherAgent('gluster1', [{ pid, isStuck: false }]))
  })

  it('finds all that it was told is written, ends, and leaves nothing', async () => {
    await must(lab, 'head', 'su alice -c "touch ~/writer/end"')
    await slurm.untilCompleted(job)
    const [told, lost, errors] = (await must(lab, 'head', 'cat ~alice/writer/result')).split(' ').map(Number)
    console.log(`      ${told} files were written and synced, ${errors} were refused, ${lost} are lost`)
    expect(lost).to.equal(0)
    expect(told).to.be.greaterThan(100)
    for (const { host, device } of bricks) await untilDevice(lab, host, device, 'blank')
    for (const host of hosts) expect(await leftOfDirect(lab, host), host).to.equal('')
    await expectNothingLost(lab)
  })

  async function theBrickOf(host: string): Promise<SeenProcess> {
    const found = await brickProcessesOf(lab, host)
    expect(found, `brick processes of ${host}`).to.have.length(1)
    return found[0]!
  }

  function untilServedAnew({ host, port, pid }: SeenProcess): Promise<unknown> {
    const seen = async () => JSON.stringify(await brickProcessesOf(lab, host))
    return until({ what: `port ${port} of ${host} is served anew`, deadlineMs: 180_000, seen }, async () => {
      return (await brickProcessesOf(lab, host)).some((found) => found.port === port && found.pid !== pid)
    })
  }

  /** As its command line has it. */
  function uuidOf({ host, pid }: SeenProcess): Promise<string> {
    return must(lab, host, `tr '\\0' '\\n' </proc/${pid}/cmdline | grep ^--volfile-id=`)
  }

  /** Thirty files in a row, so that each brick has some. */
  async function untilItWrites(): Promise<void> {
    const inARow = async () => Number(await must(lab, 'head', 'cat ~alice/writer/row 2>/dev/null || echo 0'))
    const before = Number(await must(lab, 'head', 'cat ~alice/writer/number 2>/dev/null || echo 0'))
    const seen = () => must(lab, 'head', 'cd ~alice/writer && tail -n 3 errors; cat number row')
    await until({ what: 'the job writes', deadlineMs: 120_000, seen }, async () => {
      const number = Number(await must(lab, 'head', 'cat ~alice/writer/number 2>/dev/null || echo 0'))
      return number >= before + 30 && (await inARow()) >= 30
    })
  }
})

describe('agents that serve buffers, killed around each program that they run', function () {
  this.timeout(labTestMs)
  const lab = useFaultsLab({
    before: async () => {
      await serveWith(lab, 'direct')
      for (const each of deadly) await each.install()
    },
    after: async () => {
      for (const each of deadly) await each.remove()
      await serveWith(lab, 'glusterd')
    },
  })
  const slurm = new SlurmAt(lab)
  const deadly = [
    new DeadlyPrograms(lab, 'gluster1', ['blkid', 'glusterfsd', 'mkfs.xfs', 'mount', 'nft', 'setfattr', 'umount']),
    new DeadlyPrograms(lab, 'c1', ['glusterfsd', 'install', 'stat', 'umount']),
  ]

  for (const when of ['before', 'after'] as const)
    it(`${when} it has done anything: a buffer is made, mounted, used and removed as if nothing had been`, async () => {
      for (const each of deadly) await each.arm(when)
      const body = 'set -e; cd $DW_JOB_STRIPED; head -c 1M /dev/urandom >x; cp x y; sync x y; cmp x y'
      const job = await slurm.submit('alice', '#SBATCH --nodelist=c1', jobdw, body)
      await withAgentsKept(
        lab,
        ['gluster1', 'c1'],
        slurm.untilCompleted(job).then(() => expectNothingLost(lab)),
      )
      for (const each of deadly) expect(await each.armed()).to.deep.equal([])
      for (const host of hosts) expect(await leftOfDirect(lab, host), host).to.equal('')
    })
})

describe('a storage host without any program of glusterd', function () {
  this.timeout(labTestMs)
  const host = 'gluster3'
  const lab = useFaultsLab({
    before: async () => {
      await serveWith(lab, 'direct')
      await lab.stopService(host, 'glusterd')
      const hide = 'mknod /run/hidden/gluster c 0 0; mknod /run/hidden/glusterd c 0 0'
      const over = 'mount -t overlay -o lowerdir=/run/hidden:/usr/sbin overlay /usr/sbin'
      await must(lab, host, `set -e; mkdir /run/hidden; ${hide}; ${over}; ! command -v gluster; ! command -v glusterd`)
      await lab.stopService(host, 'agent')
      await lab.startService(host, 'agent')
    },
    after: async () => {
      await must(lab, host, 'umount -l /usr/sbin && command -v glusterd')
      await lab.startService(host, 'glusterd')
      await untilPeersConnected(
        lab,
        hosts.filter((name) => name.startsWith('gluster')),
      )
      await serveWith(lab, 'glusterd')
      await expectNothingLost(lab)
    },
  })
  const slurm = new SlurmAt(lab)

  it('serves bricks, and takes them away', async () => {
    const body = 'cd $DW_JOB_STRIPED && for i in $(seq 30); do echo $i >$i; done && [ $(cat * | wc -l) = 30 ]'
    const job = await slurm.submit('alice', jobdw, body)
    await slurm.untilJob(job, /JobState=(RUNNING|COMPLETED)/)
    expect(await must(lab, host, `grep -c 'serve brick .* of volume ${job}"' /var/log/agent.out`)).to.equal('1')
    await slurm.untilCompleted(job)
    await until({ what: `${job} is gone` }, async () => (await buffersOf(lab)).every(({ name }) => name !== job))
    expect(await leftOfDirect(lab, host)).to.equal('')
  })
})

/**
 * Writes files until it is told to end, and goes on when one cannot be written. Then reads those that were synced without an error:
 * how many there are, how many are not as they were, and how many errors there were.
 */
const writer = [
  `python3 - <<'END'
import errno, os, time
place, notes = os.environ["DW_JOB_STRIPED"], os.path.expanduser("~/writer")
def note(name, text):
    with open(notes + "/new", "w") as file: file.write(text)
    os.rename(notes + "/new", notes + "/" + name)
written, row, number, failed = [], 0, 0, 0
errors = open(notes + "/errors", "w")
def content(number): return b"%d\\n" % number * 1000
while not os.path.exists(notes + "/end"):
    number += 1
    try:
        file = os.open("%s/%d" % (place, number), os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            os.write(file, content(number))
            os.fsync(file)
        finally: os.close(file)
        written.append(number)
        row += 1
    except OSError as error:
        failed, row = failed + 1, 0
        print(number, errno.errorcode[error.errno], file=errors, flush=True)
    note("number", str(number))
    note("row", str(row))
    time.sleep(0.05)
lost = [n for n in written if open("%s/%d" % (place, n), "rb").read() != content(n)]
note("result", "%d %d %d" % (len(written), len(lost), failed))
END`,
]
