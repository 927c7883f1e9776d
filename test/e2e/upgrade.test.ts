import { expect } from 'chai'
import { configFiles } from '../../lab/common/config.js'
import { hostNamed, labSite, type HostSpec } from '../../lab/common/hosts.js'
import { Programs } from '../../lab/common/programs.js'
import { installed, serviceOf } from '../../lab/common/services.js'
import { until } from '../../lab/common/until.js'
import type { StatusView } from '../../src/model/api.js'
import { labTestMs, useLab } from '../support/lab.js'
import { previousRelease, type PreviousRelease } from '../support/previousRelease.js'
import { shim, SlurmAt } from '../support/slurm.js'

type Release = Pick<PreviousRelease, 'installed' | 'service' | 'configFiles'>
const ours: Release = { installed, service: serviceOf, configFiles: (host) => configFiles(host, labSite) }

/*
 * The programs of the release before this one and those of this one, on real disks, GlusterFS and Slurm, in the order that
 * docs/operating.md gives, and in the other.
 */
describe('the release before this one, and this one', function () {
  this.timeout(labTestMs)
  let theirs: Release
  let leading: Release = ours
  let isLasting = false
  // Containers have the programs of one release in their image.
  before(function () {
    if (process.env['BURSTBUFFER_CLUSTER'] === 'docker') this.skip()
  })
  const lab = useLab({
    before: async () => {
      theirs = await previousRelease()
      await asAlice('mkdir -p up/go && echo brought >up/in')
      // As it is gone back: first the agents.
      await agentsBecome(theirs)
      await schedulerBecomes(theirs)
    },
    after: async () => {
      await asAlice('touch up/go/{1,2,3,4}')
      await agentsBecome(ours)
      await schedulerBecomes(ours)
      if (isLasting) await slurm.destroyPersistent('alice', 'lasting')
      await slurm.untilClean()
      await asAlice('rm -r up')
    },
  })
  const slurm = new SlurmAt(lab)
  const workers = labSite.hosts.filter(({ services }) => services.includes('agent'))
  const head = hostNamed('head')

  describe('agents and scheduler of the release before', () => {
    it('begin a job', async () => {
      await slurm.createPersistent('alice', 'lasting', '1TB')
      isLasting = true
      await begin(1)
    })
  })

  describe('agents of the release before under this scheduler', () => {
    it('serve a job that began under the scheduler before', async () => {
      await schedulerBecomes(ours)
      await goesOn(1)
      await untilNoProblems()
    })

    it('stage its results out and take its buffer down', async () => {
      await end(1)
    })

    it('serve a new job, with a persistent buffer at a path of its own', async () => {
      await begin(2, '#DW persistentdw name=lasting')
      expect(await placeOfLasting(2)).to.match(new RegExp(`/${jobs[2]}\\.[0-9]+/persistent/lasting/?$`))
    })

    it('are given no buffer whose name they cannot read, and the user is told why', async () => {
      const { code, stderr } = await bbctl('create', 'with.dot', '--capacity', '1TB', '--user', '20001')
      expect(code).to.equal(1)
      expect(stderr).to.match(/host c1 runs a release/)
    })
  })

  describe('agents that are upgraded', () => {
    it('disturb no job', async () => {
      for (const host of workers) {
        await become(host, 'agent', ours)
        await goesOn(2)
      }
      await end(2)
    })
  })

  describe('a scheduler of the release before that comes to lead after this one', () => {
    before(async () => {
      await begin(3)
      await setUpUnreadable()
    })

    it('disturbs no job, and names what it cannot read', async () => {
      await schedulerBecomes(theirs)
      await goesOn(3)
      expect((await problems()).join('\n')).to.include(`sessions/${unreadable} cannot be read`)
    })

    it('gives way again, and what it could not read is as it was', async () => {
      await schedulerBecomes(ours)
      await goesOn(3)
      await shimmed('--function', 'teardown', '--token', unreadable, '--job', '/dev/null', '--hurry')
    })
  })

  describe('agents of this release under the scheduler before', () => {
    it('serve a job that began under this one to its end', async () => {
      await schedulerBecomes(theirs)
      await untilNoProblems()
      await end(3)
    })

    it('serve a new job, also when the scheduler is upgraded', async () => {
      await begin(4)
      await schedulerBecomes(ours)
      await goesOn(4)
      await end(4)
      await slurm.destroyPersistent('alice', 'lasting')
      isLasting = false
    })
  })

  const unreadable = '90001'
  const jobs: Record<number, string> = {}

  /** A job that writes into its buffer until it is told to go, and tells how often it has. */
  async function begin(number: number, ...lines: string[]): Promise<void> {
    jobs[number] = await slurm.submit(
      'alice',
      '#DW jobdw type=scratch access_mode=striped,private capacity=1TB',
      '#DW stage_in type=file source=/home/alice/up/in destination=$DW_JOB_STRIPED/in',
      '#DW stage_in type=file source=/home/alice/up/in destination=$DW_JOB_PRIVATE/in',
      `#DW stage_out type=directory source=$DW_JOB_STRIPED/ destination=/home/alice/up/out-${number}`,
      ...lines,
      'set -e',
      'cmp "$DW_JOB_STRIPED/in" "$DW_JOB_PRIVATE/in"',
      `env | grep ^DW_ >~/up/env-${number}`,
      'written=0',
      `until [ -e ~/up/go/${number} ]; do`,
      '  for place in "$DW_JOB_STRIPED" "$DW_JOB_PRIVATE" $DW_PERSISTENT_STRIPED_lasting; do echo x >>"$place/written"; done',
      `  written=$((written + 1)); echo $written >~/up/written-${number}; sleep 0.2`,
      'done',
      'for place in "$DW_JOB_STRIPED" "$DW_JOB_PRIVATE"; do [ $(wc -l <"$place/written") = $written ]; done',
    )
    await slurm.untilJob(jobs[number], /JobState=(RUNNING|FAILED|COMPLETED)/)
    await goesOn(number)
  }

  /** It has written again since this was asked. */
  async function goesOn(number: number): Promise<void> {
    const written = async () => Number(await asAlice(`cat up/written-${number} || true`).catch(() => ''))
    const before = await written()
    const seen = () => slurm.job(jobs[number]!)
    await until(
      { what: `job ${number} writes on`, deadlineMs: 120_000, seen },
      async () => (await written()) > before + 1,
    )
  }

  /** To its good end: all that it has written is staged out, and its buffer is gone. */
  async function end(number: number): Promise<void> {
    await asAlice(`touch up/go/${number}`)
    await slurm.untilCompleted(jobs[number]!)
    await slurm.untilSystem('its buffer is gone', ({ buffers }) => buffers.every(({ name }) => name !== jobs[number]))
    const out = await asAlice(`cd up/out-${number} && cat in && wc -l <written && cat ../written-${number}`)
    const [brought, lines, written] = out.trim().split('\n')
    expect(brought).to.equal('brought')
    expect(lines).to.equal(written)
  }

  const placeOfLasting = async (number: number) =>
    /^DW_PERSISTENT_STRIPED_lasting=(.*)$/m.exec(await asAlice(`cat up/env-${number}`))![1]

  async function agentsBecome(release: Release): Promise<void> {
    for (const host of workers) await become(host, 'agent', release)
  }

  async function schedulerBecomes(release: Release): Promise<void> {
    await become(head, 'scheduler', release)
    leading = release
    const seen = async () => (await bbctl('status')).stdout
    await until({ what: 'the scheduler leads', deadlineMs: 60_000, seen }, async () => {
      const { code, stdout } = await bbctl('status', '--json')
      return code === 0 && (JSON.parse(stdout) as StatusView).scheduler.leads
    })
  }

  /** The program is stopped in order, its configuration written, and the other release's started. */
  async function become(host: HostSpec, name: 'agent' | 'scheduler', release: Release): Promise<void> {
    const exec: ConstructorParameters<typeof Programs>[2] = (argv, options) => lab.exec(host.name, argv, options)
    const programs = new Programs(host, labSite, exec, release.service)
    await programs.stop(name, 'TERM')
    for (const [file, input] of Object.entries(release.configFiles(host))) {
      await lab.exec(host.name, ['sh', '-c', `cat >/etc/burstbuffer/${file}`], { input })
    }
    await programs.start(name)
  }

  /** A session with a field that the release before does not know: it uses a persistent buffer at the path that all share. */
  async function setUpUnreadable(): Promise<void> {
    const script = '/tmp/unreadable.sh'
    const input = '#!/bin/bash\n#DW persistentdw name=lasting\n'
    await lab.exec('head', ['sh', '-c', `cat >${script}`], { input })
    const who = ['--token', unreadable, '--caller', 'SLURM', '--user', '20001', '--groupid', '20001']
    const { code, stdout } = await shimmed(
      '--function',
      'setup',
      ...who,
      '--capacity',
      'dedicated_nvme:0',
      '--job',
      script,
    )
    if (code !== 0) throw new Error(stdout)
  }

  const shimmed = (...words: string[]) => lab.exec('head', [shim, ...words], { timeoutMs: 90_000 })
  /** A new leader reads at first what the one before has written. */
  const untilNoProblems = () =>
    until({ what: 'bbctl status tells of no problem', seen: async () => (await problems()).join('\n') }, async () => {
      return (await problems()).length === 0
    })

  /** Beside that the lab's etcd has no TLS, which this release tells. */
  async function problems(): Promise<string[]> {
    const status = JSON.parse((await bbctl('status', '--json')).stdout) as StatusView
    return status.problems.filter((problem) => !problem.includes('without TLS'))
  }

  /** Of the release that leads. */
  const bbctl = (...words: string[]) => lab.exec('head', ['node', `${leading.installed}/dist/cli/bbctl.js`, ...words])

  async function asAlice(command: string): Promise<string> {
    const { code, stdout, stderr } = await lab.exec('head', ['bash', '-c', command], { user: 'alice' })
    if (code !== 0) throw new Error(`${command}: ${stderr}`)
    return stdout
  }
})
