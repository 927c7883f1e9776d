import { noLoopDevices } from '../../src/agent/host/client/messages.js'
import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { serveWith } from '../support/directPlane.js'
import { labTestMs, useLab } from '../support/lab.js'
import { cannotSwap } from '../../src/scheduler/admission/messages.js'
import { swapNotSupported } from '../../src/scheduler/placement/messages.js'
import { inLine } from '../../src/scheduler/slurm/script/messages.js'
import { must } from '../support/invariants.js'
import { SlurmAt } from '../support/slurm.js'

const swap = '#DW swap 64MiB'

describe('swap on a buffer', function () {
  this.timeout(labTestMs)
  const lab = useLab({ after: () => slurm.untilClean() })
  const slurm = new SlurmAt(lab)
  const config = '/etc/burstbuffer/scheduler.yaml'

  it('is refused at submission while it is turned off, with what to do', async () => {
    const { code, stderr } = await slurm.sbatch('alice', swap)
    expect(code).to.not.equal(0)
    expect(stderr).to.contain(inLine(swap, swapNotSupported()))
  })

  describe('that is turned on as docs/operating.md says', () => {
    before(async () => {
      await must(lab, 'head', `echo 'swap: true' >>${config}`)
      await restart()
    })
    after(async () => {
      await must(lab, 'head', `sed -i '/^swap: true$/d' ${config}`)
      await restart()
    })

    it('lets no job begin on a node that can have none, and says why', async () => {
      const control = '/dev/loop-control'
      const away = (on: boolean) => (on ? `${control} ${control}.away` : `${control}.away ${control}`)
      await must(lab, 'c1', `test ! -e ${control} || mv ${away(true)}`)
      const job = await slurm.submit('alice', '#SBATCH --nodelist=c1', swap, 'true')
      const shown = await slurm.untilJob(job, /SystemComment=|JobState=COMPLETED/)
      await lab.exec('head', ['scancel', job])
      await must(lab, 'c1', `test ! -e ${control}.away || mv ${away(false)}`)
      expect(shown)
        .to.match(/SystemComment=/)
        .and.to.contain(cannotSwap('c1', job, noLoopDevices()))
      await slurm.untilClean()
    })

    describe('for a job', () => {
      before(async function () {
        const refused = await whyNoSwap()
        if (refused === undefined) return
        console.log(`      skipped: this cluster's compute nodes cannot swap: ${refused}`)
        this.skip()
      })

      describe('of two nodes without a jobdw line', () => {
        let job: string
        before(async () => {
          await must(lab, 'head', 'rm -f ~alice/paged-out ~alice/go-on')
          job = await slurm.submit('alice', '#SBATCH --nodes=2', swap, ...pagesOut)
          const isOut = () => lab.exec('head', ['test', '-e', 'paged-out'], { user: 'alice' })
          const seen = () => slurm.job(job)
          await until({ what: 'the job has memory in swap', deadlineMs: 120_000, seen }, async () => {
            return (await isOut()).code === 0
          })
        })

        it('is on at each of them, in a file of its own', async () => {
          expect(await swapsOf('c1', job)).to.deep.equal([{ file: 'c1.0', isOn: true }])
          expect(await swapsOf('c2', job)).to.deep.equal([{ file: 'c2.0', isOn: true }])
        })

        it('loses nothing when the agent is killed', async () => {
          const reports = `grep -c '"kind":"swap".*"message":"reported"' /var/log/agent.out`
          const before = await must(lab, 'c1', reports)
          await lab.stopService('c1', 'agent', 'KILL')
          expect(await swapsOf('c1', job)).to.deep.equal([{ file: 'c1.0', isOn: true }])
          await lab.startService('c1', 'agent')
          await until({ what: 'the agent has looked' }, async () => (await must(lab, 'c1', reports)) !== before)
          expect(await swapsOf('c1', job)).to.deep.equal([{ file: 'c1.0', isOn: true }])
          // The job compares what it had swapped out.
          await must(lab, 'head', 'touch ~alice/go-on')
          await slurm.untilCompleted(job)
        })

        it('is off, detached and removed, in this order, before its place is unmounted', async () => {
          await slurm.untilClean()
          for (const host of ['c1', 'c2']) {
            expect(await stepsOf(host, job)).to.deep.equal(['turn off', 'detach', 'remove', 'unmount'])
            expect(await swapsOf(host, job)).to.deep.equal([])
          }
        })
      })

      for (const dataPlane of ['glusterd', 'direct'] as const) {
        describe(`on the data plane ${dataPlane}`, () => {
          before(() => (dataPlane === 'direct' ? serveWith(lab, dataPlane) : undefined))
          after(() => (dataPlane === 'direct' ? serveWith(lab, 'glusterd') : undefined))

          it('lies beside what its jobdw line asks for, and goes with it when the job is cancelled', async () => {
            const jobdw = '#DW jobdw type=scratch access_mode=striped capacity=1TB'
            const wait = 'echo mine >"$DW_JOB_STRIPED/note" && sleep 600'
            const job = await slurm.submit('alice', '#SBATCH --nodelist=c1', jobdw, swap, wait)
            await slurm.untilJob(job, /JobState=RUNNING/)
            expect(await swapsOf('c1', job)).to.deep.equal([{ file: 'c1.0', isOn: true }])
            const find = `find /mnt/burstbuffer/${job}.*/striped -mindepth 1 -printf '%f\\n'`
            await until({ what: 'the note is all that the user sees' }, async () => {
              return (await lab.exec('c1', ['sh', '-c', find], { user: 'alice' })).stdout === 'note\n'
            })
            await lab.exec('head', ['scancel', job], { user: 'alice' })
            await slurm.untilJob(job, /JobState=CANCELLED/)
            await slurm.untilClean()
            expect(await swapsOf('c1', job)).to.deep.equal([])
            expect(await stepsOf('c1', job)).to.deep.equal(['turn off', 'detach', 'remove', 'unmount'])
          })
        })
      }
    })
  })

  async function restart(): Promise<void> {
    await lab.stopService('head', 'scheduler')
    await lab.startService('head', 'scheduler')
  }

  /** What the kernel says to a node that swaps on a file of its own; undefined when it does. */
  async function whyNoSwap(): Promise<string | undefined> {
    const lines = [
      'exec 2>&1',
      'truncate -s 8M /run/try-swap && loop=$(losetup --find --show /run/try-swap) || exit 1',
      'mkswap -q $loop && swapon $loop && swapoff $loop; code=$?',
      'losetup --detach $loop; rm /run/try-swap; exit $code',
    ]
    const { code, stdout } = await lab.exec('c1', ['sh', '-c', lines.join('\n')])
    return code === 0 ? undefined : stdout.trim()
  }

  /** Swap files of that job on loop devices, as its node sees them; of one kernel, for the hosts of a lab share it. */
  async function swapsOf(host: string, job: string): Promise<{ file: string; isOn: boolean }[]> {
    const areas = await must(lab, host, 'cat /proc/swaps')
    const loops = await must(lab, host, 'grep -s . /sys/block/loop*/loop/backing_file || true')
    return loops.split('\n').flatMap((line) => {
      const [, loop, owner, file] = /block\/(loop\d+)\/.*:.*\/([^/]+)\/swap\/([^/ ]+)/.exec(line) ?? []
      if (!loop || !owner!.startsWith(`${job}.`) || !file!.startsWith(`${host}.`)) return []
      return [{ file: file!, isOn: new RegExp(`(/|burstbuffer-swap-)${loop}\\s`).test(areas) }]
    })
  }

  /** What the host's agent did about the end of that job's swap, in order. */
  async function stepsOf(host: string, job: string): Promise<string[]> {
    const log = await must(lab, host, `grep '"step done"' /var/log/agent.out`)
    const steps = log.split('\n').flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { step: string }).step]))
    const ends = { 'turn off': /^turn .* off$/, detach: /^detach /, remove: /^remove /, unmount: /^unmount / }
    return steps
      .filter((step) => step.includes(`/${job}.`) && step.includes('/swap'))
      .flatMap((step) => Object.entries(ends).flatMap(([name, words]) => (words.test(step) ? [name] : [])))
  }
})

/** Has the kernel swap out 16 MiB of its memory, waits, and compares them. 21 is MADV_PAGEOUT. */
const pagesOut = [
  `python3 - <<'END'
import hashlib, mmap, os, time
memory = mmap.mmap(-1, 16 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.write(os.urandom(16 << 20))
before = hashlib.sha256(memory).digest()
memory.madvise(21)
used = [int(line.split()[3]) for line in open("/proc/swaps").readlines()[1:]]
if sum(used) < 8 << 10: raise SystemExit("nothing was swapped out: %s" % used)
open("paged-out", "w").close()
while not os.path.exists("go-on"): time.sleep(0.2)
if hashlib.sha256(memory).digest() != before: raise SystemExit("what was swapped out came back as something else")
END`,
]
