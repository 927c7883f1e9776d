import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { needsRoot } from '../support/loopDevices.js'
import { type Ended, run } from './campaign.js'
import { localKinds } from './histories/kinds.js'
import { startLocal } from './planes/local.js'
import { type Answer, buildWorker, Worker } from './worker.js'

const campaign = { seed: Number(process.env['SEED'] ?? 7), minutes: 5, parallel: 2 }

/** Says that a file is a byte shorter than it is, once in five times. */
class Liar extends Worker {
  private stats = 0

  override async call(name: string, words: readonly (string | number)[] = [], data?: Buffer): Promise<Answer> {
    const answer = await super.call(name, words, data)
    if (answer.error !== undefined || name !== 'stat' || ++this.stats % 5 !== 0) return answer
    const [size, ...rest] = answer.data.toString().split(' ')
    return { ...answer, data: Buffer.from([Number(size) - 1, ...rest].join(' ')) }
  }
}

describe('the model of a file system', function () {
  this.timeout(300_000)
  let directory = ''
  let program = ''

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'burstbuffer-conformance-'))
    program = buildWorker(directory)
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  async function playLocal(chosen: string[], histories: number, start: (root: string) => Worker): Promise<Ended[]> {
    const ended: Ended[] = []
    const plane = startLocal(mkdtempSync(join(directory, 'plane-')))
    await run({ ...campaign, kinds: chosen, histories }, plane, start, (one) => void ended.push(one))
    return ended
  }
  const honest = (root: string) => new Worker(program, root)
  const wrongOf = (ended: Ended[]) =>
    ended.flatMap(({ kind, seed, wrong }) => (wrong ? [`${kind} ${seed}: ${wrong}`] : []))

  it('agrees with a file system of this machine', async () => {
    expect(wrongOf(await playLocal(localKinds, 2 * localKinds.length, honest))).to.deep.equal([])
  })

  it('notices a size that is wrong once in five times', async () => {
    const wrong = wrongOf(await playLocal(['one'], 1, (root) => new Liar(program, root)))
    expect(wrong).to.have.length(1)
    expect(wrong[0]).to.match(/expected \d+ bytes.* got \d+ bytes.*right after/)
  })

  it('plays the same calls again with the same seed', async () => {
    const [first, second] = [await playLocal(['names'], 1, honest), await playLocal(['names'], 1, honest)]
    expect(first[0]!.story).to.have.length.above(400)
    expect(second[0]!.story).to.deep.equal(first[0]!.story)
  })
})

describe('the file system of a buffer', function () {
  this.timeout(600_000)
  before(function () {
    needsRoot(this)
  })

  function play(...words: string[]): { code: number | null; text: string } {
    const program = ['--import', 'tsx', 'test/conformance/main.ts', '--seed', String(campaign.seed), ...words]
    const { status, stdout, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8', timeout: 500_000 })
    return { code: status, text: stdout + stderr }
  }

  for (const layout of ['distribute', 'disperse']) {
    it(`answers as promised on two clients, ${layout}`, () => {
      const { code, text } = play('--layout', layout, '--graph', 'exact', '--histories', '16')
      expect(code, text).to.equal(0)
      expect(text).to.match(/^two: 0 wrong of [23]$/m)
    })
  }

  it('answers as promised on a volume of glusterd', () => {
    const { code, text } = play('--plane', 'glusterd', '--graph', 'exact', '--histories', '10')
    expect(code, text).to.equal(0)
    expect(text).to.match(/^two: 0 wrong of 1$/m)
  })

  it('shows in files that stay open what another node overwrites, where pages are kept and compared', () => {
    const { code, text } = play('--graph', 'cached', '--kinds', 'kept', '--histories', '4')
    expect(code, text).to.equal(0)
    expect(text).to.contain('kept: 0 wrong of 4')
  })

  it('is found wrong when its clients keep sizes', () => {
    const { code, text } = play('--graph', 'stale', '--kinds', 'two', '--histories', '2')
    expect(code, text).to.equal(1)
    expect(text).to.contain('two: 2 wrong of 2')
    expect(text).to.match(/again: npm run conformance -- --plane direct .*--seed \d+ --histories 1/)
  })
})
