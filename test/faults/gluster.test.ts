import { expect } from 'chai'
import { until } from '../../lab/common/until.js'
import { keysBelow } from '../support/bricks.js'
import { enduring, expectNothingLost, labTestMs, useFaultsLab } from '../support/faultsLab.js'
import { buffersOf, must, untilPhase } from '../support/invariants.js'

describe('a glusterd that hangs, or has much to do', function () {
  this.timeout(labTestMs)
  const name = 'thawed'
  const storage = ['gluster1', 'gluster2', 'gluster3']
  const lab = useFaultsLab()
  const bbctl = (words: string) => must(lab, 'head', `node /opt/burstbuffer/dist/cli/bbctl.js ${words}`)
  const signal = (signal: 'STOP' | 'CONT') => must(lab, 'gluster2', `kill -${signal} $(cat /run/lab/glusterd.pid)`)

  it('frozen until a command has run into its time-out: nothing is undone, and the buffer is made as it was placed', async () => {
    await signal('STOP')
    try {
      await bbctl(`create ${name} --capacity 3TB --user 20001 --no-wait`)
      // The question about the volume holds its lock until the hung peer answers: commands time out, or are refused at once.
      const seen = () => bbctl(`show ${name}`)
      await until({ what: 'it has given up, and says so', deadlineMs: 240_000, seen }, async () => {
        return /Request timed out|Another transaction is in progress/.test(await seen())
      })
    } finally {
      await signal('CONT')
    }
    await untilPhase(lab, name, 'ready')
    expect(await bbctl(`show ${name}`)).to.not.match(/replaced by|new brick directories/)
  })

  it('frozen while a buffer goes: it is gone when glusterd goes on', async () => {
    const primary = await hostToldOfVolume()
    await signal('STOP')
    try {
      await bbctl(`destroy ${name} --no-wait`)
      await untilRuns(primary, primary === 'gluster2' ? 'info' : `stop ${name}`)
    } finally {
      await signal('CONT')
    }
    await untilGone(name)
    await expectNothingLost(lab)
  })

  it('asked for fifty things at once: every buffer is made and goes', async () => {
    const names = ['one', 'two', 'three', 'four', 'five']
    const set = `gluster --mode=script volume set ${enduring} user.note $i`
    const crowd = `for i in $(seq 17); do ${set} >/dev/null 2>&1 & done; wait`
    const crowds = storage.map((host) => must(lab, host, crowd))
    for (const name of names) await bbctl(`create ${name} --capacity 2TB --user 20001 --no-wait`)
    for (const name of names) await untilPhase(lab, name, 'ready')
    await Promise.all(crowds)
    const again = storage.map((host) => must(lab, host, crowd))
    for (const name of names) await bbctl(`destroy ${name} --no-wait`)
    await untilGone(...names)
    await Promise.all(again)
    await expectNothingLost(lab)
  })

  /** The host that was told of the volume, as soon as one is. */
  function hostToldOfVolume(): Promise<string> {
    return until({ what: `a host is told of volume ${name}` }, async () => {
      return (await keysBelow(lab, 'desired/')).find((key) => key.endsWith(`/volume/${name}`))?.split('/')[3]
    })
  }

  /** The pid of a command about volumes that the host's agent has begun. */
  function untilRuns(host: string, words: string): Promise<string> {
    return until({ what: `gluster volume ${words} runs on ${host}` }, async () => {
      const { stdout } = await lab.exec(host, ['pgrep', '--oldest', '--full', commandOf(words)])
      return stdout.trim() || undefined
    })
  }

  /** Questions go to the program's standard input, so that its arguments do not tell them apart. */
  function commandOf(words: string): string {
    return words === 'info' ? '^gluster --mode=script --xml' : `^gluster --mode=script --xml .* volume ${words}`
  }

  async function untilGone(...names: string[]): Promise<void> {
    const seen = async () => JSON.stringify(await buffersOf(lab))
    await until({ what: `${names.join(', ')} gone`, deadlineMs: 150_000, seen }, async () => {
      return (await buffersOf(lab)).every((buffer) => !names.includes(buffer.name))
    })
  }
})
