import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { brickIsKept } from '../../../../src/agent/host/messages.js'
import { realHost } from '../../../../src/agent/host/index.js'
import type { Run } from '../../../../src/agent/host/exec/run.js'
import { systemClock } from '../../../../src/daemon/clock.js'
import { silentLog } from '../../../../src/daemon/log.js'
import { aDesiredBrick } from '../../../support/desired.js'

describe('a brick of a volume that gluster still has', () => {
  const brick = aDesiredBrick({ device: 'd1', wanted: 'absent' })
  const answer = (fixture: string): Run => {
    const stdout = readFileSync(`test/fixtures/gluster/${fixture}.xml`, 'utf8')
    return () => Promise.resolve({ code: 0, stdout, stderr: '' })
  }
  const host = (fixture: string) => {
    const commands: string[] = []
    const run: Run = (argv) => {
      commands.push(argv.join(' '))
      return Promise.resolve({ code: 0, stdout: '', stderr: '' })
    }
    const parts = { name: 'g1', pools: {}, mountRoot: '/mnt/burstbuffer', clock: systemClock, log: silentLog }
    return { commands, effects: realHost({ ...parts, run, runPlane: answer(fixture) }).effects }
  }
  const failure = (act: Promise<void>) =>
    act.then(
      () => undefined,
      (error: Error) => error.message,
    )

  it('is not unmounted, whatever the scheduler says', async () => {
    const { effects, commands } = host('info-started')
    expect(await failure(effects.unmountBrick({ brick }))).to.contain(
      brickIsKept(brick.device, 'volume vol1 is started'),
    )
    expect(commands).to.deep.equal([])
  })

  it('keeps its process', async () => {
    const { effects } = host('info-started')
    expect(await failure(effects.stopBrickProcess({ brick, pid: process.pid }))).to.match(/volume vol1 is started/)
  })

  it('is gone when gluster has none of it', async () => {
    const { effects } = host('info-none')
    expect(await failure(effects.unmountBrick({ brick }))).to.not.contain(brickIsKept(brick.device, ''))
  })
})
