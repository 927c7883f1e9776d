import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { type Crashes, type History, play } from './history.js'
import { scenarios } from './scenarios.js'

/** Another seed plays other histories: SEED=7 npx mocha 'test/simulation/**\/*.test.ts' */
const seed = Number(process.env['SEED'] ?? 1)
/** Each scenario dies at this many of its points here; `npm run simulate` takes them all. */
const deathsEach = 7

const states = new Set<string>()
const sums = { histories: 0, deaths: 0, events: 0 }

async function expectGood(scenario: string, ofSeed: number, crashes: Crashes): Promise<History> {
  const visit = (state: string) => void states.add(createHash('sha1').update(state).digest('base64').slice(0, 12))
  const history = await play({ scenario, seed: ofSeed, crashes }, visit)
  sums.histories++
  sums.deaths += history.deaths
  sums.events += history.events
  const words = 'at' in crashes ? `--crash-at ${crashes.at}` : `--chance ${crashes.chance}`
  const again = `npm run simulate -- --seed ${ofSeed} --scenarios "${scenario}" ${words} --story`
  expect(history.wrong, `${again}\n${history.story.slice(-20).join('\n')}`).to.equal(undefined)
  return history
}

describe(`a simulated cluster, seed ${seed}`, () => {
  for (const scenario of Object.keys(scenarios)) {
    it(`keeps its promises and comes to an end, whatever dies: ${scenario}`, async () => {
      const { points } = await expectGood(scenario, seed, { at: 0 })
      const stride = Math.ceil(points / deathsEach)
      for (let at = 1 + (seed % stride); at <= points; at += stride) await expectGood(scenario, seed, { at })
      for (let more = 0; more < 2; more++) await expectGood(scenario, seed * 1000 + more, { chance: 0.02 })
    })
  }

  it('plays the same history for the same seed', async () => {
    const options = { scenario: 'several at once', seed, crashes: { chance: 0.02 } }
    const [a, b] = [await play(options), await play(options)]
    expect({ ...a, story: a.story.map(timeless) }).to.deep.equal({ ...b, story: b.story.map(timeless) })
  })

  for (const scenario of ['several at once', 'lose a host while in use', 'take over leadership']) {
    it(`plays the same history while clocks are stepped by an hour: ${scenario}`, async () => {
      const options = { scenario, seed, crashes: { chance: 0.02 } }
      const [steady, stepped] = [await play(options), await play({ ...options, hasSteppedClocks: true })]
      expect({ ...stepped, story: stepped.story.map(timeless) }).to.deep.equal({
        ...steady,
        story: steady.story.map(timeless),
      })
    })
  }

  after(() => {
    console.log(
      `      seed ${seed}: ${sums.histories} histories, ${sums.deaths} deaths, ${sums.events} events, ${states.size} states`,
    )
  })
})

describe('histories that went wrong once', () => {
  const seen: [what: string, scenario: string, seed: number, crashes: Crashes][] = [
    ['a host cut off started a volume that was being deleted', 'a host is cut off and healed', 1, { at: 0 }],
    ['bricks being wiped were wanted present again', 'replace a bad disk', 111, { chance: 0.02 }],
    ['so they were when a primary returned', 'lose a host while in use', 115, { chance: 0.02 }],
    ['a late report took the place of a newer one', 'use', 105, { chance: 0.02 }],
    ['a report outlived its desired document', 'calls out of order', 108, { chance: 0.02 }],
    ['a creation whose host lost its power was locked for ever', 'lose a host while forming', 1, { at: 16 }],
    ['an event outlived its buffer', 'lose a host while deleting and use its name again', 117, { chance: 0.02 }],
  ]
  for (const [what, scenario, ofSeed, crashes] of seen) {
    it(`go right now: ${what}`, () => expectGood(scenario, ofSeed, crashes))
  }
})

/** Temporary files have other names each time. */
function timeless(line: string): string {
  return line.replaceAll(/\/[^ ]*simulation-[^/]*\//g, '')
}
