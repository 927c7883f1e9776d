import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { until } from '../../lab/common/until.js'
import {
  brickProcessesOf,
  leftOfDirect,
  type SeenProcess,
  serveWith,
  untilPeersConnected,
} from '../support/directPlane.js'
import { labTestMs, useLab } from '../support/lab.js'
import { must } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'
import type { Login } from '../../src/model/documents/direct.js'

const jobdw = (access: string, capacity = '2TB') => `#DW jobdw type=scratch access_mode=${access} capacity=${capacity}`
const servers = ['gluster1', 'gluster2', 'gluster3']
const agents = [...servers, 'c1', 'c2']
const agentConfig = '/etc/burstbuffer/agent.yaml'
const probe = '/opt/burstbuffer/dist/agent/host/dataplane/direct/probe.js'

const attack = (name: string) => readFileSync(`test/fixtures/attack/${name}`, 'utf8')

/*
 * Buffers that agents serve by themselves. No glusterd runs meanwhile: nothing of the whole road may need it.
 */
describe('a pool of the data plane direct, where no glusterd runs', function () {
  this.timeout(labTestMs)
  const lab = useLab({
    before: async () => {
      for (const server of servers) await lab.stopService(server, 'glusterd')
      await serveWith(lab, 'direct')
      // What is said at this level is looked through for passwords.
      for (const host of agents) {
        await must(lab, host, `echo 'log: { level: debug }' >>${agentConfig}`)
        await restartAgent(host)
      }
    },
    after: async () => {
      for (const host of agents) {
        await must(lab, host, `sed -i '/^log: /d' ${agentConfig}`)
        await restartAgent(host)
      }
      for (const server of servers) await lab.startService(server, 'glusterd')
      await untilPeersConnected(lab, servers)
      await serveWith(lab, 'glusterd')
      await slurm.untilClean()
    },
  })
  const slurm = new SlurmAt(lab)
  const bbctl = async (...words: string[]) =>
    must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js ${words.join(' ')}`)

  it('stages in, lets a job of two nodes see one file system, and stages out', async () => {
    await must(lab, 'head', 'su alice -c "mkdir -p ~/direct && echo brought >~/direct/in"')
    const job = await slurm.submit(
      'alice',
      '#SBATCH --nodes=2 --ntasks-per-node=1',
      jobdw('striped'),
      '#DW stage_in type=file source=/home/alice/direct/in destination=$DW_JOB_STRIPED/in',
      '#DW stage_out type=directory source=$DW_JOB_STRIPED/ destination=/home/alice/direct/out-%j',
      `srun bash -c 'cp $DW_JOB_STRIPED/in $DW_JOB_STRIPED/from-$(hostname)'`,
    )
    await slurm.untilCompleted(job)
    await slurm.untilClean()
    const out = await must(lab, 'head', `cd ~alice/direct/out-${job} && cat in from-c1 from-c2; stat -c %U in`)
    expect(out).to.equal('brought\nbrought\nbrought\nalice')
  })

  it('gives each node a namespace that is filled, and copies each of them out', async () => {
    const job = await slurm.submit(
      'alice',
      '#SBATCH --nodes=2 --ntasks-per-node=1',
      jobdw('striped,private'),
      '#DW stage_in type=file source=/home/alice/direct/in destination=$DW_JOB_PRIVATE/in',
      '#DW stage_out type=directory source=$DW_JOB_PRIVATE/ destination=/home/alice/direct/nodes-%j',
      `srun bash -c 'cat $DW_JOB_PRIVATE/in >$DW_JOB_PRIVATE/mine && hostname >>$DW_JOB_PRIVATE/mine && ls $DW_JOB_STRIPED'`,
    )
    await slurm.untilCompleted(job)
    await slurm.untilClean()
    const out = await must(lab, 'head', `cd ~alice/direct/nodes-${job} && grep -r . . | sort`)
    expect(out.trim().split('\n')).to.deep.equal([
      './c1/in:brought',
      './c1/mine:brought',
      './c1/mine:c1',
      './c2/in:brought',
      './c2/mine:brought',
      './c2/mine:c2',
    ])
  })

  let ports: SeenProcess[]
  /** What root of the job's node may have kept of it. */
  let kept: Login

  describe('while a job runs on one node', () => {
    let job: string
    before(async () => {
      const body = 'umask 077 && echo secret >$DW_JOB_STRIPED/note && sleep 900'
      job = await slurm.submit('alice', '#SBATCH --nodelist=c1', jobdw('striped'), body)
      await slurm.untilJob(job, /JobState=RUNNING/)
      const written = async () => (await inBuffer('cat note')) === 'secret'
      await until({ what: 'the note is written' }, written)
      ports = (await Promise.all(servers.map((host) => brickProcessesOf(lab, host)))).flat()
      kept = await loginFor('c1')
    })
    after(async () => {
      await lab.exec('head', ['scancel', job])
      await slurm.untilClean()
    })

    it('is shown with what serves it', async () => {
      expect(await bbctl('show', job)).to.match(/data plane\s+direct/)
      expect(ports).to.have.length(2)
    })

    it('lets nobody in but root of the job’s node with its login, by any port that listens', async () => {
      const right = await loginFor('c1')
      const wrong = { user: right.user, password: 'x'.repeat(43) }
      const elsewhere = servers.find((server) => ports.every(({ host }) => host !== server))!
      for (const server of servers) {
        const listening = await must(lab, server, 'ss --listening --tcp --numeric --no-header')
        const found = listening.split('\n').flatMap((line) => /^LISTEN +\S+ +\S+ +\S*:([0-9]+) /.exec(line)?.[1] ?? [])
        const bricks = ports.flatMap(({ host, port }) => (host === server ? [String(port)] : []))
        expect([...new Set(found)], `what listens on ${server}`).to.deep.equal(bricks)
      }
      for (const { host, port } of ports) {
        const where = { host, port }
        expect(await ask('c1', 'root', { ...where, login: right }), `root to ${host}`).to.equal('accepted')
        for (const login of [undefined, wrong])
          expect(await ask('c1', 'root', { ...where, login }), `root to ${host}`).to.equal('refused')
        for (const [from, user] of [
          ['c1', 'alice'],
          ['c1', 'bob'],
          ['c2', 'alice'],
          ['c2', 'root'],
          [elsewhere, 'root'],
        ] as const)
          expect(await ask(from, user, { ...where, login: right }), `${user} of ${from}`).to.match(/timedOut|closed/)
      }
    })

    it('gives its volfile to nobody who asks a brick for it', async () => {
      await lab.exec('c1', ['sh', '-c', 'cat >/tmp/getspec.mjs'], { input: attack('getspec.js') })
      for (const { host, port } of ports) {
        for (const key of ['striped', job, `${job}.striped`]) {
          const argv = [process.execPath, '/tmp/getspec.mjs', host, key, String(port)]
          // GlusterFS says so in place of a volfile.
          expect((await lab.exec('c1', argv)).stdout, key).to.match(/^(<this method is not in use.*>)?$/)
        }
      }
    })

    it('is read by GlusterFS’s own library only as root of the job’s node, and with the login', async () => {
      const right = await loginFor('c1')
      const holds = await Promise.all(
        servers.map((server) => must(lab, server, 'find /data/glusterfs -name note 2>/dev/null || true')),
      )
      const { host, port } = ports.find(({ host }) => holds[servers.indexOf(host)] !== '')!
      const read = async (from: string, user: string, password: string) => {
        const volfile = `/tmp/attack-${user}-${password.slice(0, 4)}.vol`
        const options = {
          'remote-host': host,
          'remote-port': port,
          'remote-subvolume': 'striped',
          username: right.user,
          password,
        }
        const lines = Object.entries(options).map(([name, value]) => `option ${name} ${value}`)
        const text = ['volume brick', 'type protocol/client', ...lines, 'end-volume', ''].join('\n')
        const script = `cat >${volfile} && { python3 /tmp/gfapi.py ${volfile} /note 20001; rm ${volfile}; }`
        return (await lab.exec(from, ['sh', '-c', script], { user, input: text, timeoutMs: 60_000 })).stdout
      }
      for (const from of ['c1', 'c2'])
        await lab.exec(from, ['sh', '-c', 'cat >/tmp/gfapi.py'], { input: attack('gfapi.py') })
      expect(await read('c1', 'root', right.password)).to.equal('secret\n')
      const tries = [
        read('c1', 'root', 'x'.repeat(43)),
        read('c1', 'alice', right.password),
        read('c1', 'bob', right.password),
        read('c2', 'root', right.password),
      ]
      expect(await Promise.all(tries)).to.deep.equal(['', '', '', ''])
    })

    it('shows its password to nobody: not in .meta, not in the process list, in no file that is not root’s', async () => {
      const { password } = await loginFor('c1')
      expect(password).to.match(/^[0-9a-f]{64}$/)
      expect(await inBuffer('ls .meta 2>&1 || true')).to.contain('No such file')
      for (const host of ['c1', ...servers, 'head']) {
        const words = await must(lab, host, 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "')
        expect(words, host).to.not.contain(password)
        const open = `find /run /tmp /var/log /var/lib /etc -xdev -type f -perm /044 -size -4M -exec grep -l -e ${password} {} + 2>/dev/null || true`
        expect(await must(lab, host, open), host).to.equal('')
        const logs = 'find /var/log -xdev -type f -size -8M'
        expect(await must(lab, host, `${logs} -exec grep -l -e ${password} {} + || true`), host).to.equal('')
      }
      for (const user of ['alice', 'bob']) {
        const look =
          'for p in $(pgrep gluster); do cat /proc/$p/environ /proc/$p/maps; ls /proc/$p/fd/; done 2>/dev/null'
        const { stdout } = await lab.exec('c1', ['sh', '-c', look], { user })
        expect(stdout, user).to.equal('')
      }
      expect(await bbctl('show', job, '--json')).to.not.contain(password)
      await bbctl('backup', '/root/direct.backup')
      expect(await must(lab, 'head', 'cat /root/direct.backup; rm /root/direct.backup')).to.not.contain(password)
    })

    it('has statedumps without its password, for root alone', async () => {
      const { password } = await loginFor('c1')
      const brick = ports[0]!
      const [client] = await clientsOf('c1', job)
      for (const [host, pid] of [
        [brick.host, brick.pid],
        ['c1', client!],
      ] as const) {
        const dumps = `/run/gluster/*.${pid}.dump.*`
        await must(lab, host, `mkdir -p /run/gluster && rm -f ${dumps} && kill -USR1 ${pid}`)
        const isWritten = async () =>
          (await lab.exec(host, ['sh', '-c', `grep -q DUMP-END-TIME ${dumps}`])).code === 0 || undefined
        await until({ what: `the statedump of ${pid} on ${host}` }, isWritten)
        const found = await must(
          lab,
          host,
          `stat -c '%a %U' ${dumps}; grep -c ${password} ${dumps} || true; rm ${dumps}`,
        )
        expect(found, host).to.equal('600 root\n0')
      }
    })

    it('is served again on the same port when a brick is killed', async () => {
      const { host, pid, port } = ports[0]!
      await must(lab, host, `kill -9 ${pid}`)
      await until({ what: 'the brick is served again', deadlineMs: 120_000 }, async () => {
        const again = (await brickProcessesOf(lab, host)).find((found) => found.port === port)
        return again !== undefined && again.pid !== pid
      })
      await until(
        { what: 'the note is read', deadlineMs: 60_000 },
        async () => (await inBuffer('cat note')) === 'secret',
      )
    })

    it('goes on while agents die and come back: no process is started anew', async () => {
      const before = (await Promise.all(servers.map((host) => brickProcessesOf(lab, host)))).flat()
      const client = await clientsOf('c1', job)
      for (const host of ['c1', ...servers]) {
        await lab.stopService(host, 'agent', 'KILL')
        expect(await inBuffer('cat note')).to.equal('secret')
        await lab.startService(host, 'agent')
      }
      await until({ what: 'all agents are back', deadlineMs: 60_000 }, async () => {
        const hosts = await must(lab, 'head', 'etcdctl get --prefix --keys-only /burstbuffer/hosts/')
        return ['c1', ...servers].every((host) => hosts.split('\n').includes(`/burstbuffer/hosts/${host}`))
      })
      const phase = async () => (JSON.parse(await bbctl('show', job, '--json')) as { phase: string }).phase
      await until({ what: 'the buffer is ready', deadlineMs: 60_000 }, async () => (await phase()) === 'ready')
      expect((await Promise.all(servers.map((host) => brickProcessesOf(lab, host)))).flat()).to.deep.equal(before)
      expect(await clientsOf('c1', job)).to.deep.equal(client)
    })

    const inBuffer = (command: string) => must(lab, 'c1', `cd /mnt/burstbuffer/${job}.*/striped && ${command}`)
  })

  describe('when that job has ended', () => {
    it('lets nobody of its node in with what was kept of its login', async () => {
      for (const { host, port } of ports)
        for (const user of ['root', 'alice', 'bob'])
          expect(await ask('c1', user, { host, port, login: kept }), `${user} to ${host}`).to.equal('closed')
    })
  })

  it('leaves nothing on any host', async () => {
    await slurm.untilClean()
    for (const host of [...servers, 'c1', 'c2']) expect(await leftOfDirect(lab, host), host).to.equal('')
  })

  describe('with TLS', () => {
    before(() => serveWith(lab, 'direct', { tls: true }))
    after(() => serveWith(lab, 'direct'))

    it('stages in, lets a job of two nodes see one file system, and stages out; no brick answers without a certificate', async () => {
      await must(lab, 'head', 'su alice -c "mkdir -p ~/direct && rm -f ~/direct/go && echo brought >~/direct/in"')
      const job = await slurm.submit(
        'alice',
        '#SBATCH --nodes=2 --ntasks-per-node=1',
        jobdw('striped,private'),
        '#DW stage_in type=file source=/home/alice/direct/in destination=$DW_JOB_STRIPED/in',
        '#DW stage_out type=directory source=$DW_JOB_STRIPED/ destination=/home/alice/direct/tls-%j',
        `srun bash -c 'cp $DW_JOB_STRIPED/in $DW_JOB_STRIPED/from-$(hostname) && cp $DW_JOB_STRIPED/in $DW_JOB_PRIVATE'`,
        'until [ -e ~/direct/go ]; do sleep 0.2; done',
      )
      await slurm.untilJob(job, /JobState=RUNNING/)
      expect(await bbctl('show', job)).to.match(/data plane\s+direct, with TLS/)
      const ports = (await Promise.all(servers.map((host) => brickProcessesOf(lab, host)))).flat()
      expect(ports).to.have.length(2)
      const login = { user: 'root', password: 'x'.repeat(43) }
      for (const { host, port } of ports)
        for (const user of ['alice', 'root'])
          expect(await ask('c1', user, { host, port, login })).to.match(/closed|unexpected/)
      const key = await keyOf('c1')
      for (const host of ['c1', ...servers, 'head']) {
        const readable = `find /run /tmp /var/log /var/lib /etc -xdev -type f -perm /044 -size -4M -exec grep -l -e ${key} {} + 2>/dev/null || true`
        expect(await must(lab, host, readable), host).to.equal('')
      }
      await must(lab, 'head', 'su alice -c "touch ~/direct/go"')
      await slurm.untilCompleted(job)
      await slurm.untilClean()
      expect(await must(lab, 'head', `cd ~alice/direct/tls-${job} && cat in from-c1 from-c2`)).to.equal(
        'brought\nbrought\nbrought',
      )
      for (const host of [...servers, 'c1', 'c2']) expect(await leftOfDirect(lab, host), host).to.equal('')
    })
  })

  it('keeps a persistent buffer that jobs of several nodes use, with another secret for those that come later', async () => {
    await slurm.createPersistent('alice', 'kept', '2TB')
    const put = await slurm.submit('alice', '#DW persistentdw name=kept', 'echo kept >$DW_PERSISTENT_STRIPED_kept/file')
    await slurm.untilCompleted(put)
    const get = await slurm.submit(
      'alice',
      '#SBATCH --nodes=2 --ntasks-per-node=1',
      '#DW persistentdw name=kept',
      `srun cat $DW_PERSISTENT_STRIPED_kept/file >~/direct/kept`,
    )
    await slurm.untilCompleted(get)
    expect(await must(lab, 'head', 'cat ~alice/direct/kept')).to.equal('kept\nkept')
    await slurm.destroyPersistent('alice', 'kept')
    await must(lab, 'head', 'rm -r ~alice/direct')
  })

  it('opens a persistent buffer no more to what a node has kept of a job before', async () => {
    await slurm.createPersistent('alice', 'again', '1TB')
    const use = ['#SBATCH --nodelist=c1', '#DW persistentdw name=again', 'sleep 600']
    const first = await slurm.submit('alice', ...use)
    await slurm.untilJob(first, /JobState=RUNNING/)
    const old = await loginFor('c1')
    const [brick] = (await Promise.all(servers.map((host) => brickProcessesOf(lab, host)))).flat()
    const { host, port } = brick!
    expect(await ask('c1', 'root', { host, port, login: old })).to.equal('accepted')
    await lab.exec('head', ['scancel', first])
    const isShut = async () => (await ask('c1', 'root', { host, port, login: old })) === 'closed' || undefined
    await until({ what: 'the node is let in no more', deadlineMs: 120_000 }, isShut)

    const second = await slurm.submit('alice', ...use)
    await slurm.untilJob(second, /JobState=RUNNING/)
    const login = await loginFor('c1')
    expect(await ask('c1', 'root', { host, port, login })).to.equal('accepted')
    expect(await ask('c1', 'root', { host, port, login: old })).to.equal('refused')
    for (const user of ['alice', 'bob'])
      for (const each of [old, login])
        expect(await ask('c1', user, { host, port, login: each }), user).to.equal('closed')
    await lab.exec('head', ['scancel', second])
    await slurm.destroyPersistent('alice', 'again')
  })

  it('lets the members of a group use a buffer that is shared with it, and nobody else', async () => {
    const create = (name: string, group: string) =>
      `#BB create_persistent name=${name} capacity=1TB access=striped type=scratch group=${group}`
    await slurm.untilCompleted(await slurm.submit('alice', create('ours', 'project')))
    await slurm.untilCompleted(await slurm.submit('alice', create('hers', 'alice')))
    const write = 'echo "from $(id -un)" >$DW_PERSISTENT_STRIPED_ours/$(id -un)'
    for (const user of ['alice', 'bob'])
      await slurm.untilCompleted(await slurm.submit(user, '#DW persistentdw name=ours', write))
    const read = ['exec >~/ours.out', 'cd $DW_PERSISTENT_STRIPED_ours', 'cat alice bob', 'stat -c %G bob']
    await slurm.untilCompleted(await slurm.submit('alice', '#DW persistentdw name=ours', ...read))
    expect(await must(lab, 'head', 'cat ~alice/ours.out; rm ~alice/ours.out')).to.equal('from alice\nfrom bob\nproject')
    expect(await slurm.refusalOf('bob', '#DW persistentdw name=hers')).to.match(/hers.*belongs to another user/)
    for (const name of ['ours', 'hers']) await slurm.destroyPersistent('alice', name)
  })

  async function restartAgent(host: string): Promise<void> {
    await lab.stopService(host, 'agent')
    await lab.startService(host, 'agent')
  }

  async function clientsOf(host: string, volume: string): Promise<string[]> {
    return (await must(lab, host, `pgrep -f 'volfile-id=${volume}[.]'`)).split('\n')
  }

  /** Of the mount that this host is told of. */
  async function loginFor(host: string): Promise<Login> {
    const told = await must(lab, 'head', `etcdctl get --prefix --print-value-only /burstbuffer/desired/${host}/mount/`)
    return (JSON.parse(told) as { direct: { login: Login } }).direct.login
  }

  /** A line of the key of a mount that this host is told of. */
  async function keyOf(host: string): Promise<string> {
    const told = await must(lab, 'head', `etcdctl get --prefix --print-value-only /burstbuffer/desired/${host}/mount/`)
    const { direct } = JSON.parse(told.split('\n')[0]!) as { direct: { tls: { key: string } } }
    return direct.tls.key.split('\n')[1]!
  }

  /** What a brick answers to a client that some user wrote. */
  async function ask(
    from: string,
    user: string,
    wanted: { host: string; port: number; login?: object | undefined },
  ): Promise<string> {
    const asked = JSON.stringify({ ...wanted, export: 'striped', timeoutMs: 3_000 })
    const script = `import('${probe}').then(({ probeBrick }) => probeBrick(${asked})).then(({ kind }) => console.log(kind))`
    const { code, stdout, stderr } = await lab.exec(from, ['node', '-e', script], { user })
    expect(code, stderr).to.equal(0)
    return stdout.trim()
  }
})
